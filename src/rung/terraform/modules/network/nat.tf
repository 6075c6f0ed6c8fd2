# The way out of the private subnets. An instance costs a tenth of a gateway and is one machine in one zone.

resource "aws_eip" "nat" {
  count = var.nat == "instance" ? 1 : local.gateways

  domain = "vpc"

  tags = { Name = "${var.name}-nat-${local.zones[count.index]}" }
}

resource "aws_nat_gateway" "this" {
  count = local.gateways

  allocation_id = aws_eip.nat[count.index].id
  subnet_id     = aws_subnet.public[count.index].id

  tags = { Name = "${var.name}-${local.zones[count.index]}" }

  depends_on = [aws_route.internet]
}

resource "aws_route" "gateway" {
  count = local.gateways > 0 ? length(local.private) : 0

  route_table_id         = aws_route_table.private[count.index].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[min(count.index, local.gateways - 1)].id
}

# ---------------------------------------------------------------------------- nat = instance

# The interface outlives the machine: address and route stay as they are when the group replaces it.
resource "aws_network_interface" "nat" {
  count = var.nat == "instance" ? 1 : 0

  description       = "Way out of the private subnets of ${var.name}"
  subnet_id         = aws_subnet.public[0].id
  security_groups   = [aws_security_group.nat[0].id]
  source_dest_check = false

  tags = { Name = "${var.name}-nat" }
}

resource "aws_eip_association" "nat" {
  count = var.nat == "instance" ? 1 : 0

  allocation_id        = aws_eip.nat[0].id
  network_interface_id = aws_network_interface.nat[0].id
}

resource "aws_route" "instance" {
  count = var.nat == "instance" ? length(local.private) : 0

  route_table_id         = aws_route_table.private[count.index].id
  destination_cidr_block = "0.0.0.0/0"
  network_interface_id   = aws_network_interface.nat[0].id
}

resource "aws_security_group" "nat" {
  count = var.nat == "instance" ? 1 : 0

  name        = "${var.name}-nat"
  description = "NAT instance: from the VPC to anywhere"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-nat" }
}

resource "aws_vpc_security_group_ingress_rule" "nat" {
  count = var.nat == "instance" ? 1 : 0

  security_group_id = aws_security_group.nat[0].id
  description       = "what the private subnets send out"
  cidr_ipv4         = var.cidr
  ip_protocol       = "-1"
}

resource "aws_vpc_security_group_egress_rule" "nat" {
  count = var.nat == "instance" ? 1 : 0

  security_group_id = aws_security_group.nat[0].id
  description       = "anywhere, as the groups of the senders allow"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}

resource "aws_launch_template" "nat" {
  count = var.nat == "instance" ? 1 : 0

  name          = "${var.name}-nat"
  image_id      = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
  instance_type = var.nat_instance_type

  network_interfaces {
    device_index          = 0
    network_interface_id  = aws_network_interface.nat[0].id
    delete_on_termination = false
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_size = 8
      volume_type = "gp3"
      encrypted   = true
    }
  }

  user_data = base64encode(<<-SCRIPT
    #!/bin/sh
    set -eu
    dnf install -y nftables
    echo 'net.ipv4.ip_forward = 1' > /etc/sysctl.d/90-nat.conf
    sysctl --system
    cat > /etc/sysconfig/nftables.conf <<'RULES'
    table ip nat {
      chain postrouting {
        type nat hook postrouting priority srcnat;
        ip saddr ${var.cidr} ip daddr != ${var.cidr} masquerade
      }
    }
    RULES
    systemctl enable --now nftables
  SCRIPT
  )

  tag_specifications {
    resource_type = "instance"
    tags          = { Name = "${var.name}-nat" }
  }

  depends_on = [aws_eip_association.nat]
}

# One machine, made anew when it fails and once a month with the newest image.
resource "aws_autoscaling_group" "nat" {
  count = var.nat == "instance" ? 1 : 0

  name                  = "${var.name}-nat"
  min_size              = 1
  max_size              = 1
  availability_zones    = [local.zones[0]]
  health_check_type     = "EC2"
  max_instance_lifetime = 30 * 24 * 3600

  launch_template {
    id      = aws_launch_template.nat[0].id
    version = aws_launch_template.nat[0].latest_version
  }

  tag {
    key                 = "Name"
    value               = "${var.name}-nat"
    propagate_at_launch = true
  }

  depends_on = [aws_route.internet]
}
