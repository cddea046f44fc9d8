{{/* Labels of a part. `resultsday/part` is also given to Airflow's pods (../airflow.yaml): the policies choose by it. */}}
{{- define "desk.labels" -}}
app.kubernetes.io/name: resultsday
app.kubernetes.io/component: {{ . }}
resultsday/part: {{ . }}
{{- end }}

{{- define "desk.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag }}
{{- end }}

{{/* Every process of ours: no root, no capabilities, nothing to write to but what is mounted. */}}
{{- define "desk.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "desk.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* What our settings name; of Airflow's, only what its own processes need. */}}
{{- define "desk.secrets" -}}
- airflow_password
- alert_smtp_password
- alert_webhook_token
- database_url
{{- if .airflow }}
- airflow_database_url
- api_secret
- fernet_key
- jwt_secret
{{- if eq .root.Values.executor "CeleryExecutor" }}
- broker_url
- result_backend
{{- end }}
{{- end }}
{{- if .owner }}
- database_owner_url
{{- end }}
{{- end }}

{{/* The specification of a pod. Takes root, name and account; seconds it has to end; memory it asks for and may have; its
     command, env, ports and probes as text; airflow, if it needs the secrets of Airflow's own processes; owner, if also the
     address of who owns the ledger's tables; state, if a volume of that name is claimed for it; once, if it is not started
     again. */}}
{{- define "desk.pod" -}}
serviceAccountName: {{ .account }}
automountServiceAccountToken: false
{{- if .once }}
restartPolicy: Never
{{- end }}
terminationGracePeriodSeconds: {{ .seconds }}
securityContext:
  {{- include "desk.podSecurity" . | nindent 2 }}
containers:
  - name: {{ .name }}
    image: {{ include "desk.image" .root }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    {{- with .command }}
    command: {{ . }}
    {{- end }}
    {{- with .ports }}
    ports: {{ . }}
    {{- end }}
    securityContext:
      {{- include "desk.containerSecurity" . | nindent 6 }}
    envFrom:
      - configMapRef: {name: desk}
    {{- with .env }}
    env:
      {{- . | trim | nindent 6 }}
    {{- end }}
    resources:
      requests: {cpu: {{ .cpu }}, memory: {{ .memory }}}
      limits: {memory: {{ .limit }}}
    {{- with .probes }}
    {{- . | trim | nindent 4 }}
    {{- end }}
    volumeMounts:
      - {name: secrets, mountPath: /run/secrets, readOnly: true}
      - {name: home, mountPath: /var/lib/airflow}
      - {name: tmp, mountPath: /tmp}
      {{- if .state }}
      - {name: state, mountPath: /var/lib/resultsday}
      {{- end }}
volumes:
  - name: secrets
    secret:
      secretName: {{ .root.Values.secret }}
      defaultMode: 0440
      items:
        {{- range include "desk.secrets" . | fromYamlArray }}
        - {key: {{ . }}, path: {{ . }}}
        {{- end }}
  - name: home
    emptyDir: {sizeLimit: 2Gi}
  - name: tmp
    emptyDir: {sizeLimit: 4Gi}
{{- end }}

{{/* Pods of a Deployment or StatefulSet start again when the settings change. */}}
{{- define "desk.template" -}}
metadata:
  labels:
    {{- include "desk.labels" .name | nindent 4 }}
  annotations:
    checksum/settings: {{ include "desk.settings" .root | sha256sum }}
spec:
  {{- include "desk.pod" . | nindent 2 }}
{{- end }}

{{- define "desk.selector" -}}
matchLabels:
  app.kubernetes.io/name: resultsday
  app.kubernetes.io/component: {{ . }}
{{- end }}

{{/* airflow.env, which docs/settings.md is generated beside; where this cluster has things; your settings, last. */}}
{{- define "desk.settings" -}}
{{- $settings := dict }}
{{- range .Files.Lines "files/airflow.env" }}
{{- if and . (not (hasPrefix "#" .)) }}
{{- $parts := regexSplit "=" . 2 }}
{{- $_ := set $settings (index $parts 0) (index $parts 1) }}
{{- end }}
{{- end }}
{{- $_ := set $settings "AIRFLOW__CORE__EXECUTION_API_SERVER_URL" (printf "http://%s/execution/" .Values.apiServer) }}
{{- range list "airflow_password" "alert_smtp_password" "alert_webhook_token" "database_url" }}
{{- $_ := set $settings (printf "RESULTSDAY_%s_FILE" (upper .)) (printf "/run/secrets/%s" .) }}
{{- end }}
{{- toYaml (mergeOverwrite $settings .Values.settings) }}
{{- end }}
