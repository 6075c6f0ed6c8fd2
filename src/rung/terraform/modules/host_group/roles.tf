# An empty role: signing in to the registry, sessions, logs, figures and backups are granted from outside, with the rest.

resource "aws_iam_role" "this" {
  name                 = "${var.name}-hosts"
  description          = "What a machine of ${var.name} is"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Machine"
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_instance_profile" "this" {
  name = "${var.name}-hosts"
  role = aws_iam_role.this.name
}
