"""Transfer of a frozen video encoder: features, anomaly detection, temporal action localisation."""
