"""Seeds about the audit sink alone."""
