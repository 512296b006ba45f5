{{/*
What holds for a service: its own values, where those are empty `global`'s, where those are empty too the house's.
Everything else takes it as a context:
  root      the service's chart
  service   its name, as in the settings and the image
  name      what its objects are called
  v         its values
*/}}
{{- define "countinghouse.context" -}}
{{- $v := deepCopy (omit .Values "global") -}}
{{- $global := deepCopy (.Values.global | default dict) -}}
{{- $house := include "countinghouse.defaults" . | fromYaml -}}
{{- range $section := list "image" "database" "kafka" "auth" "tls" "telemetry" "monitoring" -}}
{{- $own := get $v $section | default dict -}}
{{- $_ := set $v $section (merge $own (get $global $section | default dict) (get $house $section | default dict)) -}}
{{- end -}}
{{- $_ := set $v "priorityClassName" ($v.priorityClassName | default $global.priorityClassName) -}}
{{- $named := ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name) (contains .Chart.Name .Release.Name) -}}
{{- $name := $v.fullnameOverride | default $named | trunc 52 | trimSuffix "-" -}}
{{- dict "service" .Chart.Name "name" $name "v" $v | toYaml -}}
{{- end -}}

{{/* What an empty value means. */}}
{{- define "countinghouse.defaults" -}}
image:
  pullPolicy: IfNotPresent
database:
  usernameKey: username
  passwordKey: password
  tls: {caKey: ca.crt}
kafka:
  sasl: {mechanism: SCRAM-SHA-512, usernameKey: username, passwordKey: password}
  tls: {caKey: ca.crt, certificateKey: tls.crt, keyKey: tls.key}
auth:
  jwks: {key: jwks.json, caKey: ca.crt}
tls:
  clientCaKey: ca.crt
  certManager: {issuerKind: ClusterIssuer, issuerGroup: cert-manager.io}
monitoring:
  prometheusRule: {runbooks: docs/runbooks/}
{{- end -}}

{{/* A wish that the schema cannot refuse, in words that say what to do. */}}
{{- define "countinghouse.check" -}}
{{- $v := .v -}}
{{- if not $v.database.address -}}
{{- fail (printf "%s: say where Postgres is: database.address, or global.database.address for all services (host:port)" .service) -}}
{{- end -}}
{{- if not $v.database.secret -}}
{{- fail (printf "%s: name the Secret of the role that reads and writes rows: database.secret" .service) -}}
{{- end -}}
{{- if and $v.migrate.enabled (not $v.database.ownerSecret) -}}
{{- fail (printf "%s: name the Secret of the role that owns the tables: database.ownerSecret; or set migrate.enabled=false and run the migrations yourself" .service) -}}
{{- end -}}
{{- if not $v.kafka.brokers -}}
{{- fail (printf "%s: say where Kafka is: kafka.brokers, or global.kafka.brokers for all services (host:port, several separated by commas)" .service) -}}
{{- end -}}
{{- if and $v.auth.jwks.url (or $v.auth.jwks.secret $v.auth.jwks.configMap) -}}
{{- fail (printf "%s: auth.jwks: give url, secret or configMap, and only one of them" .service) -}}
{{- end -}}
{{- if and $v.tls.secret $v.tls.certManager.issuer -}}
{{- fail (printf "%s: tls: give an existing Secret (tls.secret) or an issuer (tls.certManager.issuer), not both" .service) -}}
{{- end -}}
{{- end -}}
