"""The house that tells people and takes their answers. It polls nothing and holds no SQL."""
