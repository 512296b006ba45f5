{{/* What every pod of the house has, whatever it runs: (list CONTEXT). */}}
{{- define "countinghouse.podBasics" -}}
automountServiceAccountToken: false
# Else every Service of the namespace would be among the variables that settings are read from.
enableServiceLinks: false
{{- with .v.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .v.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .v.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .v.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end -}}

{{- define "countinghouse.containerBasics" -}}
image: {{ include "countinghouse.image" . | quote }}
imagePullPolicy: {{ .v.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{/* The service's program and where its settings are, before what it is to do. */}}
{{- define "countinghouse.program" -}}
["/{{ .service }}", "--config", "{{ include "countinghouse.files" . }}/settings/{{ .service }}.toml"]
{{- end -}}

{{/* The role that reads and writes rows. */}}
{{- define "countinghouse.databaseVariables" -}}
{{- $database := .v.database -}}
{{ include "countinghouse.secretVariable" (list . "DATABASE__USER" $database.secret $database.usernameKey) }}
{{ include "countinghouse.secretVariable" (list . "DATABASE__PASSWORD" $database.secret $database.passwordKey) }}
{{- end -}}

{{/* The role that owns the tables. */}}
{{- define "countinghouse.ownerVariables" -}}
{{- $database := .v.database -}}
{{- $username := $database.ownerUsernameKey | default $database.usernameKey -}}
{{- $password := $database.ownerPasswordKey | default $database.passwordKey -}}
{{ include "countinghouse.secretVariable" (list . "DATABASE__USER" $database.ownerSecret $username) }}
{{ include "countinghouse.secretVariable" (list . "DATABASE__PASSWORD" $database.ownerSecret $password) }}
{{- end -}}

{{- define "countinghouse.kafkaVariables" -}}
{{- $sasl := .v.kafka.sasl -}}
{{- if $sasl.secret -}}
{{- if not $sasl.username }}
{{ include "countinghouse.secretVariable" (list . "KAFKA__PROPERTIES__SASL_USERNAME" $sasl.secret $sasl.usernameKey) }}
{{- end }}
{{ include "countinghouse.secretVariable" (list . "KAFKA__PROPERTIES__SASL_PASSWORD" $sasl.secret $sasl.passwordKey) }}
{{- end }}
{{- end -}}

{{/* A volume with what a Secret or a ConfigMap holds: (list NAME SECRET CONFIGMAP); nothing when both are empty. */}}
{{- define "countinghouse.volume" -}}
{{- if index . 1 }}
- name: {{ index . 0 }}
  secret:
    secretName: {{ index . 1 }}
    defaultMode: 0440
{{- else if index . 2 }}
- name: {{ index . 0 }}
  configMap:
    name: {{ index . 2 }}
{{- end }}
{{- end -}}

{{/* The volumes of files that settings name: (list CONTEXT SETTINGS_MAP PARTS), with some of database, kafka, tls, jwks. */}}
{{- define "countinghouse.volumes" -}}
{{- $context := index . 0 -}}
{{- $v := $context.v -}}
{{- $parts := index . 2 -}}
{{- include "countinghouse.volume" (list "settings" "" (index . 1)) }}
{{- if has "database" $parts }}
{{- include "countinghouse.volume" (list "database-ca" $v.database.tls.caSecret $v.database.tls.caConfigMap) }}
{{- end }}
{{- if has "kafka" $parts }}
{{- include "countinghouse.volume" (list "kafka-ca" $v.kafka.tls.caSecret $v.kafka.tls.caConfigMap) }}
{{- include "countinghouse.volume" (list "kafka-certificate" $v.kafka.tls.certificateSecret "") }}
{{- end }}
{{- if has "tls" $parts }}
{{- include "countinghouse.volume" (list "tls" (include "countinghouse.certificate" $context) "") }}
{{- include "countinghouse.volume" (list "client-ca" $v.tls.clientCaSecret $v.tls.clientCaConfigMap) }}
{{- end }}
{{- if has "jwks" $parts }}
{{- include "countinghouse.volume" (list "jwks" $v.auth.jwks.secret $v.auth.jwks.configMap) }}
{{- include "countinghouse.volume" (list "jwks-ca" $v.auth.jwks.caSecret $v.auth.jwks.caConfigMap) }}
{{- end }}
{{- end -}}

{{/* Mounts of all these volumes, each in a folder of its name. */}}
{{- define "countinghouse.mounts" -}}
{{- $context := index . 0 -}}
{{- range $volume := include "countinghouse.volumes" . | fromYamlArray }}
- name: {{ $volume.name }}
  mountPath: {{ include "countinghouse.files" $context }}/{{ $volume.name }}
  readOnly: true
{{- end }}
{{- end -}}
