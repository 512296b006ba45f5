{{/* The alerts that come with the service, as they are: their annotations are Prometheus's templates, not Helm's. */}}
{{- define "countinghouse.prometheusRule" -}}
{{- $rules := .v.monitoring.prometheusRule -}}
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: {{ .name }}
  labels:
    {{- include "countinghouse.labels" . | nindent 4 }}
    {{- with .v.monitoring.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- .root.Files.Get "files/alerts.yaml" | replace "docs/runbooks/" $rules.runbooks | nindent 2 }}
{{- end -}}
