{{/* Labels that select a service's pods: they never change. */}}
{{- define "countinghouse.selector" -}}
app.kubernetes.io/name: {{ .service }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end -}}

{{- define "countinghouse.labels" -}}
{{ include "countinghouse.selector" . }}
app.kubernetes.io/version: {{ .v.image.tag | default .root.Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/part-of: countinghouse
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 }}
{{- end -}}

{{- define "countinghouse.image" -}}
{{- $image := .v.image -}}
{{- if $image.registry }}{{ $image.registry | trimSuffix "/" }}/{{ end -}}
{{- $image.repository -}}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $image.tag | default .root.Chart.AppVersion }}{{ end -}}
{{- end -}}

{{/* The environment variable of a setting: (list CONTEXT "DATABASE__URL"). */}}
{{- define "countinghouse.variable" -}}
{{- $context := index . 0 -}}
COUNTINGHOUSE_{{ $context.service | upper | replace "-" "_" }}__{{ index . 1 }}
{{- end -}}

{{/* A variable with a Secret's key: (list CONTEXT "DATABASE__PASSWORD" SECRET KEY). */}}
{{- define "countinghouse.secretVariable" -}}
- name: {{ include "countinghouse.variable" . }}
  valueFrom:
    secretKeyRef:
      name: {{ index . 2 }}
      key: {{ index . 3 }}
{{- end -}}
