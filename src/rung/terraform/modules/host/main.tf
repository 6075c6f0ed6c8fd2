# One machine that is replaced without a thought: its address, its data and its role stay when it goes.

data "aws_ssm_parameter" "image" {
  count = var.image_id == null ? 1 : 0

  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${var.architecture}"
}

data "aws_subnet" "this" {
  id = var.subnet_id
}

locals {
  image_id = var.image_id != null ? var.image_id : nonsensitive(one(data.aws_ssm_parameter.image[*].value))
}

resource "aws_instance" "this" {
  ami                                  = local.image_id
  instance_type                        = var.instance_type
  iam_instance_profile                 = aws_iam_instance_profile.this.name
  user_data_base64                     = local.user_data
  user_data_replace_on_change          = true
  ebs_optimized                        = true
  monitoring                           = true
  instance_initiated_shutdown_behavior = "stop"

  # The interface has address and rules, and is there before the machine: the first thing it does is to download.
  network_interface {
    device_index         = 0
    network_interface_id = aws_network_interface.this.id
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = var.hop_limit
    instance_metadata_tags      = "disabled"
  }

  root_block_device {
    volume_type = "gp3"
    volume_size = var.root_gib
    encrypted   = true
    kms_key_id  = var.key_arn
  }

  tags = { Name = var.name }

  lifecycle {
    # A new image every few weeks is no reason to replace the machine in the middle of an unrelated change.
    ignore_changes = [ami]
  }

  depends_on = [aws_eip_association.this]
}

# ---------------------------------------------------------------------------- what stays: address, data

resource "aws_network_interface" "this" {
  subnet_id       = var.subnet_id
  description     = "Address of ${var.name}"
  security_groups = [aws_security_group.this.id]

  tags = { Name = var.name }
}

resource "aws_eip" "this" {
  domain = "vpc"

  tags = { Name = var.name }
}

resource "aws_eip_association" "this" {
  allocation_id        = aws_eip.this.id
  network_interface_id = aws_network_interface.this.id
}

# Without rules of its own: visitors come by connections to 80 and 443, people by Systems Manager, which needs no port.
resource "aws_security_group" "this" {
  name        = var.name
  description = "Machine ${var.name}"
  vpc_id      = var.vpc_id

  tags = { Name = var.name }
}

resource "aws_ebs_volume" "data" {
  availability_zone = data.aws_subnet.this.availability_zone
  type              = "gp3"
  size              = var.data_gib
  encrypted         = true
  kms_key_id        = var.key_arn
  final_snapshot    = true

  tags = { Name = "${var.name}-data", Snapshots = var.name }

  lifecycle {
    # A volume cannot change its zone but by being made anew, empty.
    ignore_changes = [availability_zone]
  }
}

resource "aws_volume_attachment" "data" {
  device_name                    = "/dev/sdf"
  volume_id                      = aws_ebs_volume.data.id
  instance_id                    = aws_instance.this.id
  stop_instance_before_detaching = true
}

resource "aws_route53_record" "this" {
  count = var.domain == null ? 0 : 1

  zone_id = var.zone_id
  name    = var.domain
  type    = "A"
  ttl     = 300
  records = [aws_eip.this.public_ip]
}

# ---------------------------------------------------------------------------- what it tells

resource "aws_cloudwatch_log_group" "this" {
  name              = "/host/${var.name}"
  retention_in_days = var.log_days
  kms_key_id        = var.log_key_arn
}
