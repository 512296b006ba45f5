{{/*
The service's settings as TOML: what the installation sets, and over it what follows from the other values. What is not said is as
the service's own defaults say.
*/}}
{{- define "countinghouse.settings" -}}
{{- $v := .v -}}
{{- $made := include "countinghouse.madeSettings" . | fromYaml -}}
{{- $all := mergeOverwrite (deepCopy ($v.settings | default dict)) $made -}}
{{- range $section, $keys := $all }}
{{- if $keys }}
[{{ $section }}]
{{- range $key, $value := $keys }}
{{- if not (kindIs "map" $value) }}
{{ $key }} = {{ $value | toJson }}
{{- end }}
{{- end }}
{{- range $key, $value := $keys }}
{{- if and (kindIs "map" $value) $value }}

[{{ $section }}.{{ $key }}]
{{- range $name, $inner := $value }}
{{ $name }} = {{ $inner | toJson }}
{{- end }}
{{- end }}
{{- end }}
{{ end }}
{{- end -}}
{{- end -}}

{{/* The settings that follow from the other values, as YAML. No secret is among them: those come by variables. */}}
{{- define "countinghouse.madeSettings" -}}
{{- $v := .v -}}
database:
  url: {{ printf "postgres://%s/%s" $v.database.address $v.database.name | quote }}
  {{- if or $v.database.tls.caSecret $v.database.tls.caConfigMap }}
  tls_mode: {{ $v.database.tls.mode | default "verify-full" }}
  tls_ca_file: {{ printf "%s/database-ca/%s" (include "countinghouse.files" .) $v.database.tls.caKey }}
  {{- else if $v.database.tls.mode }}
  tls_mode: {{ $v.database.tls.mode }}
  {{- end }}
kafka:
  brokers: {{ $v.kafka.brokers | quote }}
  {{- with $v.kafka.topicPrefix }}
  topic_prefix: {{ . | quote }}
  {{- end }}
  properties:
    {{- include "countinghouse.kafkaProperties" . | nindent 4 }}
rpc:
  listen: {{ printf "%s:%d" (ternary "[::]" "0.0.0.0" $v.service.ipv6) (include "countinghouse.port" . | int) | quote }}
  {{- if include "countinghouse.certificate" . }}
  tls_certificate_file: {{ include "countinghouse.files" . }}/tls/tls.crt
  tls_key_file: {{ include "countinghouse.files" . }}/tls/tls.key
  {{- if or $v.tls.clientCaSecret $v.tls.clientCaConfigMap }}
  tls_client_ca_file: {{ include "countinghouse.files" . }}/client-ca/{{ $v.tls.clientCaKey }}
  {{- else }}
  tls_client_ca_file: {{ include "countinghouse.files" . }}/tls/ca.crt
  {{- end }}
  {{- end }}
auth:
  {{- with $v.auth.issuer }}
  issuer: {{ . | quote }}
  {{- end }}
  {{- with $v.auth.audience }}
  audience: {{ . | quote }}
  {{- end }}
  {{- with $v.auth.jwks.url }}
  jwks_url: {{ . | quote }}
  {{- end }}
  {{- if or $v.auth.jwks.secret $v.auth.jwks.configMap }}
  jwks_file: {{ include "countinghouse.files" . }}/jwks/{{ $v.auth.jwks.key }}
  {{- end }}
  {{- if or $v.auth.jwks.caSecret $v.auth.jwks.caConfigMap }}
  jwks_ca_file: {{ include "countinghouse.files" . }}/jwks-ca/{{ $v.auth.jwks.caKey }}
  {{- end }}
telemetry:
  {{- with $v.telemetry.otlpEndpoint }}
  otlp_endpoint: {{ . | quote }}
  {{- end }}
{{- end -}}

{{- define "countinghouse.kafkaProperties" -}}
{{- $kafka := .v.kafka -}}
{{- $protocol := include "countinghouse.kafkaProtocol" . -}}
security_protocol: {{ $protocol }}
{{- if hasPrefix "SASL" $protocol }}
sasl_mechanism: {{ $kafka.sasl.mechanism }}
{{- with $kafka.sasl.username }}
sasl_username: {{ . | quote }}
{{- end }}
{{- end }}
{{- if or $kafka.tls.caSecret $kafka.tls.caConfigMap }}
ssl_ca_location: {{ include "countinghouse.files" . }}/kafka-ca/{{ $kafka.tls.caKey }}
{{- else if hasSuffix "SSL" $protocol }}
# Wherever the image has them.
ssl_ca_location: probe
{{- end }}
{{- if $kafka.tls.certificateSecret }}
ssl_certificate_location: {{ include "countinghouse.files" . }}/kafka-certificate/{{ $kafka.tls.certificateKey }}
ssl_key_location: {{ include "countinghouse.files" . }}/kafka-certificate/{{ $kafka.tls.keyKey }}
{{- end }}
{{- end -}}

{{/* What is given says how Kafka is spoken to: a Secret means SASL; that, an authority or a certificate means TLS. */}}
{{- define "countinghouse.kafkaProtocol" -}}
{{- $kafka := .v.kafka -}}
{{- $files := or $kafka.tls.caSecret $kafka.tls.caConfigMap $kafka.tls.certificateSecret -}}
{{- $mode := $kafka.tls.mode | default (ternary "verify-full" "disable" (not (not (or $kafka.sasl.secret $files)))) -}}
{{- if $kafka.sasl.secret }}SASL_{{ ternary "PLAINTEXT" "SSL" (eq $mode "disable") }}
{{- else }}{{ ternary "PLAINTEXT" "SSL" (eq $mode "disable") }}
{{- end -}}
{{- end -}}

{{- define "countinghouse.port" -}}50051{{- end -}}
{{- define "countinghouse.files" -}}/etc/countinghouse{{- end -}}

{{/* The Secret of the service's certificate; empty without TLS. */}}
{{- define "countinghouse.certificate" -}}
{{- if .v.tls.secret }}{{ .v.tls.secret }}{{ else if .v.tls.certManager.issuer }}{{ .name }}-certificate{{ end -}}
{{- end -}}

{{- define "countinghouse.settingsMap" -}}
{{ .name }}-{{ include "countinghouse.settings" . | sha256sum | trunc 10 }}
{{- end -}}

{{/* (list CONTEXT NAME ANNOTATIONS) */}}
{{- define "countinghouse.configMap" -}}
{{- $context := index . 0 -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ index . 1 }}
  labels:
    {{- include "countinghouse.labels" $context | nindent 4 }}
  {{- with index . 2 }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
# A change makes another one, so that pods of the version before keep the settings that they began with.
immutable: true
data:
  {{ $context.service }}.toml: |
    {{- include "countinghouse.settings" $context | trim | nindent 4 }}
{{- end -}}
