{{/*
The service pushes its metrics to an OpenTelemetry collector and listens for no scrapes; what Prometheus scrapes is the collector,
which keeps the labels that the service gave.
*/}}
{{- define "countinghouse.serviceMonitor" -}}
{{- $monitor := .v.monitoring.serviceMonitor -}}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ .name }}
  labels:
    {{- include "countinghouse.labels" . | nindent 4 }}
    {{- with .v.monitoring.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  selector:
    matchLabels:
      {{- toYaml $monitor.collector.labels | nindent 6 }}
  namespaceSelector:
    matchNames: [{{ $monitor.collector.namespace | default .root.Release.Namespace }}]
  endpoints:
    - port: {{ $monitor.collector.port }}
      interval: {{ $monitor.intervalSeconds | int }}s
      honorLabels: true
{{- end -}}

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
