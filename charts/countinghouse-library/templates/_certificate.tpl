{{/* The certificate that the service shows to callers, and to its other replicas: it is server and client. */}}
{{- define "countinghouse.certificateRequest" -}}
{{- $namespace := .root.Release.Namespace -}}
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: {{ .name }}
  labels:
    {{- include "countinghouse.labels" . | nindent 4 }}
spec:
  secretName: {{ include "countinghouse.certificate" . }}
  issuerRef:
    name: {{ .v.tls.certManager.issuer }}
    kind: {{ .v.tls.certManager.issuerKind }}
    group: {{ .v.tls.certManager.issuerGroup }}
  # Who the service is, by which its replicas know each other and other services know it.
  uris:
    - spiffe://countinghouse/service/{{ .service }}
  dnsNames:
    - {{ .name }}.{{ $namespace }}.svc
    - {{ .name }}
    - {{ .name }}.{{ $namespace }}
    - {{ .name }}.{{ $namespace }}.svc.cluster.local
    {{- range .v.tls.certManager.dnsNames }}
    - {{ . | quote }}
    {{- end }}
  usages: [digital signature, server auth, client auth]
  privateKey:
    algorithm: ECDSA
    size: 256
    rotationPolicy: Always
  duration: {{ .v.tls.certManager.durationHours | int }}h
  renewBefore: {{ .v.tls.certManager.renewBeforeHours | int }}h
{{- end -}}
