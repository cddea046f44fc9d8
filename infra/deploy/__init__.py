"""Describes the desk in production: the image, Compose, Kubernetes and Terraform."""
