"""The scripts in the order of their `down_revision`."""
