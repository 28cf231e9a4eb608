#!/usr/bin/env bash
# Writes a kustomize overlay of manifests/ with the given certificates and image.
# Usage: scripts/deploy-overlay.sh OVERLAY_DIR CERTIFICATES_DIR IMAGE   (OVERLAY_DIR two levels below the repository)
set -euo pipefail
overlay=$1 certificates=$2 image=$3

rm -rf "$overlay"
# Holds a copy of the private key: kustomize reads no file outside of the overlay.
(umask 077 && mkdir -p "$overlay" && cp "$certificates/tls.crt" "$certificates/tls.key" "$overlay/")
ca_bundle=$(base64 <"$certificates/ca.crt" | tr -d '\n')

cat >"$overlay/kustomization.yaml" <<YAML
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - ../../manifests
generatorOptions:
  # The StatefulSet mounts it by this name; the server reloads it when it changes.
  disableNameSuffixHash: true
secretGenerator:
  - name: kubeblame-tls
    namespace: kubeblame
    type: kubernetes.io/tls
    files: [tls.crt, tls.key]
patches:
  - target: { kind: ValidatingWebhookConfiguration, name: kubeblame }
    patch: '[{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": "$ca_bundle"}]'
  - target: { kind: StatefulSet, name: kubeblame }
    patch: '[{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "$image"}]'
YAML
