{{/* `helm test`: a real call through the Service, over TLS when there is any, by a pod that holds no secret but the certificate. */}}
{{- define "countinghouse.test" -}}
{{- $map := include "countinghouse.settingsMap" . -}}
{{- $parts := list "tls" -}}
apiVersion: v1
kind: Pod
metadata:
  name: {{ .name }}-test
  labels:
    app.kubernetes.io/name: {{ .service }}-test
    app.kubernetes.io/instance: {{ .root.Release.Name }}
    app.kubernetes.io/part-of: countinghouse
  annotations:
    helm.sh/hook: test
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
    helm.sh/hook-output-log-policy: hook-failed
spec:
  # Tried again for a minute: right after an install or a kill no replica makes changes yet.
  restartPolicy: OnFailure
  activeDeadlineSeconds: 60
  {{- include "countinghouse.podBasics" . | nindent 2 }}
  containers:
    - name: test
      {{- include "countinghouse.containerBasics" . | nindent 6 }}
      command: {{ include "countinghouse.program" . }}
      args: [probe, started, --at, "{{ .name }}.{{ .root.Release.Namespace }}.svc:{{ .v.service.port | int }}"]
      resources:
        {{- toYaml .v.migrate.resources | nindent 8 }}
      volumeMounts:
        {{- include "countinghouse.mounts" (list . $map $parts) | trim | nindent 8 }}
  volumes:
    {{- include "countinghouse.volumes" (list . $map $parts) | trim | nindent 4 }}
{{- end -}}
