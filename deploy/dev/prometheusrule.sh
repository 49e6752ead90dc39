#!/usr/bin/env bash
# Prints the alert rules as objects of prometheus-operator, one for each file of alerts/.
# Usage: prometheusrule.sh > deploy/kubernetes/prometheus-operator/prometheusrule.yaml
set -euo pipefail
cd "$(dirname "$0")/../.."

echo "# Generated from alerts/ by \`make docs\`; do not edit."
for file in alerts/*.yml; do
    name=$(basename "$file" .yml)
    printf -- '---\napiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n'
    printf '  name: firstreply-%s\n  labels:\n    app.kubernetes.io/name: firstreply\nspec:\n' "$name"
    sed 's/^\(.\)/  \1/' "$file"
done
