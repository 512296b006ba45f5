{{/* What people read after an install: where the service is, how to look after it, and what is missing. Nothing secret. */}}
{{- define "countinghouse.notes" -}}
{{- $context := include "countinghouse.context" . | fromYaml -}}
{{- $_ := set $context "root" . -}}
{{- $v := $context.v -}}
{{ $context.service }}: {{ $context.name }}.{{ .Release.Namespace }}.svc:{{ $v.service.port | int }} (gRPC{{ if include "countinghouse.certificate" $context }} over TLS{{ end }})
  watch it start   kubectl --namespace {{ .Release.Namespace }} rollout status deployment/{{ $context.name }}
  call it          helm --namespace {{ .Release.Namespace }} test {{ .Release.Name }}
{{- if not (or $v.auth.jwks.url $v.auth.jwks.secret $v.auth.jwks.configMap) }}
  NOTE: no operator can call it yet. Say where the keys of your issuer of tokens are: global.auth.jwks.url, .secret or .configMap,
        and what its tokens name: global.auth.issuer, global.auth.audience.
{{- end }}
{{- if not (include "countinghouse.certificate" $context) }}
  NOTE: it speaks without TLS, so tokens travel in the clear and no service can show who it is. Give it a certificate:
        {{ $context.service }}.tls.secret, or global.tls.certManager.issuer.
{{- end }}
{{- if not $v.migrate.enabled }}
  NOTE: migrations are yours to run before every upgrade (migrate.enabled is false): {{ $context.service }} migrate --only tables
{{- end }}
{{- if lt ($v.replicas | int) 2 }}
  NOTE: with one replica, a pod that is lost takes the service with it until the next has started.
{{- end }}
{{- end -}}
