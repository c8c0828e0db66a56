"""What anomaly detection and action localisation share."""
