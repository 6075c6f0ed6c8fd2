# A snapshot of the data volume every night.

locals {
  # arn:aws:ec2:region:account:volume/id; a snapshot's ARN has the region and no account.
  snapshots = "arn:${split(":", aws_ebs_volume.data.arn)[1]}:ec2:${split(":", aws_ebs_volume.data.arn)[3]}::snapshot/*"
}

resource "aws_dlm_lifecycle_policy" "this" {
  count = var.snapshots > 0 ? 1 : 0

  description        = "Nightly snapshots of ${var.name}"
  execution_role_arn = aws_iam_role.snapshots[0].arn
  state              = "ENABLED"

  policy_details {
    resource_types = ["VOLUME"]
    target_tags    = { Snapshots = var.name }

    schedule {
      name      = "nightly"
      copy_tags = true

      create_rule {
        interval      = 24
        interval_unit = "HOURS"
        times         = ["03:00"]
      }

      retain_rule {
        count = var.snapshots
      }
    }
  }

  depends_on = [aws_iam_role_policy.snapshots]
}

resource "aws_iam_role" "snapshots" {
  count = var.snapshots > 0 ? 1 : 0

  name                 = "${var.name}-snapshots"
  description          = "Takes and forgets snapshots of ${var.name}"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "LifecycleManager"
      Effect    = "Allow"
      Principal = { Service = "dlm.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "snapshots" {
  count = var.snapshots > 0 ? 1 : 0

  name = "snapshots"
  role = aws_iam_role.snapshots[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # Describing knows no resource.
        Sid      = "Look"
        Effect   = "Allow"
        Action   = ["ec2:DescribeInstances", "ec2:DescribeSnapshots", "ec2:DescribeVolumes"]
        Resource = ["*"]
      },
      {
        Sid      = "TakeOfThisVolume"
        Effect   = "Allow"
        Action   = ["ec2:CreateSnapshot"]
        Resource = [aws_ebs_volume.data.arn]
      },
      {
        Sid      = "TakeAndName"
        Effect   = "Allow"
        Action   = ["ec2:CreateSnapshot", "ec2:CreateTags"]
        Resource = [local.snapshots]
      },
      {
        Sid       = "ForgetItsOwn"
        Effect    = "Allow"
        Action    = ["ec2:DeleteSnapshot"]
        Resource  = [local.snapshots]
        Condition = { StringEquals = { "aws:ResourceTag/Snapshots" = var.name } }
      },
    ]
  })
}
