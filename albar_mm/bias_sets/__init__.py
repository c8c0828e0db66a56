"""Making SCUBA / SCUFO / Confl-FG sets."""
