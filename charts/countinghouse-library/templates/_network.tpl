{{/* Who may call, and what may be called: (list CONTEXT). */}}
{{- define "countinghouse.networkPolicy" -}}
{{- $policy := .v.networkPolicy -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .name }}
  labels:
    {{- include "countinghouse.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "countinghouse.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    - ports:
        - port: grpc
      from:
        # The other replicas, which pass calls on, and the release's own test.
        - podSelector:
            matchLabels:
              app.kubernetes.io/instance: {{ .root.Release.Name }}
              app.kubernetes.io/part-of: countinghouse
        {{- if $policy.from }}
        {{- toYaml $policy.from | nindent 8 }}
        {{- else }}
        - podSelector: {}
        {{- end }}
  egress:
    - ports:
        - port: {{ include "countinghouse.port" . }}
      to:
        - podSelector:
            matchLabels:
              {{- include "countinghouse.selector" . | nindent 14 }}
    {{- include "countinghouse.egress" (list . (list "database" "kafka" "jwks" "telemetry")) | trim | nindent 4 }}
{{- end -}}

{{/* The same for the Jobs that run before the rest is there. */}}
{{- define "countinghouse.jobsNetworkPolicy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .name }}-before
  labels:
    {{- include "countinghouse.labels" . | nindent 4 }}
  annotations:
    {{- include "countinghouse.hookBefore" "-10" | nindent 4 }}
spec:
  podSelector:
    matchExpressions:
      - key: app.kubernetes.io/name
        operator: In
        values: [{{ .service }}-migrate, {{ .service }}-topics]
    matchLabels:
      app.kubernetes.io/instance: {{ .root.Release.Name }}
  policyTypes: [Ingress, Egress]
  egress:
    {{- include "countinghouse.egress" (list . (list "database" "kafka")) | trim | nindent 4 }}
{{- end -}}

{{/* Rules for what is called by its port, with the peers that the installation names: (list CONTEXT PARTS). */}}
{{- define "countinghouse.egress" -}}
{{- $context := index . 0 -}}
{{- $v := $context.v -}}
{{- $peers := $v.networkPolicy.to -}}
{{- $addresses := dict
      "database" (list $v.database.address)
      "kafka" (splitList "," $v.kafka.brokers)
      "jwks" (list $v.auth.jwks.url)
      "telemetry" (list $v.telemetry.otlpEndpoint) -}}
{{- $otherwise := dict "database" "5432" "kafka" "9092" "jwks" "443" "telemetry" "4317" }}
- ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
{{- range $part := index . 1 }}
{{- $ports := list }}
{{- range $address := compact (get $addresses $part) }}
{{- $port := regexFind ":[0-9]+$" (regexReplaceAll "^[a-z]+://([^/]*).*$" (trim $address) "${1}") | trimPrefix ":" }}
{{- if hasPrefix "http://" $address }}
{{- $port = $port | default (ternary "80" "4317" (eq $part "jwks")) }}
{{- end }}
{{- $ports = append $ports ($port | default (get $otherwise $part)) }}
{{- end }}
{{- if $ports }}
- ports:
    {{- range $port := uniq $ports | sortAlpha }}
    - port: {{ $port }}
    {{- end }}
  {{- with get $peers $part }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
{{- end -}}
