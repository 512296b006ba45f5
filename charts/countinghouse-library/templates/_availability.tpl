{{- define "countinghouse.podDisruptionBudget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .name }}
  labels:
    {{- include "countinghouse.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  # A pod that does not serve anyway never holds up a drain.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "countinghouse.selector" . | nindent 6 }}
{{- end -}}
