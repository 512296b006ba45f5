{{/* All that a service is on Kubernetes. A service's chart includes this and nothing else. */}}
{{- define "countinghouse.service" -}}
{{- $context := include "countinghouse.context" . | fromYaml -}}
{{- $_ := set $context "root" . -}}
{{- include "countinghouse.check" $context -}}
{{- include "countinghouse.jobs" $context }}
---
{{ include "countinghouse.configMap" (list $context (include "countinghouse.settingsMap" $context) dict) }}
{{- if $context.v.serviceAccount.create }}
---
{{ include "countinghouse.serviceAccount" $context }}
{{- end }}
---
{{ include "countinghouse.deployment" $context }}
---
{{ include "countinghouse.kubernetesService" $context }}
{{- if $context.v.podDisruptionBudget.enabled }}
---
{{ include "countinghouse.podDisruptionBudget" $context }}
{{- end }}
{{- if $context.v.networkPolicy.enabled }}
---
{{ include "countinghouse.networkPolicy" $context }}
{{- end }}
{{- if $context.v.tls.certManager.issuer }}
---
{{ include "countinghouse.certificateRequest" $context }}
{{- end }}
{{- if and $context.v.monitoring.prometheusRule.enabled (.Files.Get "files/alerts.yaml") }}
---
{{ include "countinghouse.prometheusRule" $context }}
{{- end }}
---
{{ include "countinghouse.test" $context }}
{{- end -}}

{{- define "countinghouse.serviceAccountName" -}}
{{ .v.serviceAccount.name | default (ternary .name "default" .v.serviceAccount.create) }}
{{- end -}}

{{- define "countinghouse.serviceAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "countinghouse.serviceAccountName" . }}
  labels:
    {{- include "countinghouse.labels" . | nindent 4 }}
  {{- with .v.serviceAccount.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end -}}

{{- define "countinghouse.kubernetesService" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  labels:
    {{- include "countinghouse.labels" . | nindent 4 }}
  {{- with .v.service.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  type: {{ .v.service.type }}
  {{- if .v.service.ipv6 }}
  ipFamilyPolicy: PreferDualStack
  {{- end }}
  selector:
    {{- include "countinghouse.selector" . | nindent 4 }}
  ports:
    - name: grpc
      port: {{ .v.service.port | int }}
      targetPort: grpc
      appProtocol: {{ ternary "https" "kubernetes.io/h2c" (not (not (include "countinghouse.certificate" .))) }}
{{- end -}}
