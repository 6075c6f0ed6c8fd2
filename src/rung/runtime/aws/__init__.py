"""What the adapters for AWS share. botocore is imported when the first client is made, never before."""
