# A VPC of up to three tiers. Nothing in it trusts its default security group, and every flow is logged.

data "aws_availability_zones" "this" {
  state = "available"

  # Local and wavelength zones hold neither load balancers nor databases.
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

locals {
  zones = slice(
    length(var.availability_zones) > 0 ? var.availability_zones : sort(data.aws_availability_zones.this.names),
    0, var.zones
  )
  public   = contains(var.tiers, "public") ? local.zones : []
  private  = contains(var.tiers, "private") ? local.zones : []
  isolated = contains(var.tiers, "isolated") ? local.zones : []

  # Sixteen blocks: 0-3 public, 4-7 private, 8-11 isolated, the rest in reserve. Adding a zone moves no subnet.
  blocks   = cidrsubnets(var.cidr, [for _ in range(12) : 4]...)
  gateways = { none = 0, instance = 0, single = 1, per_zone = var.zones }[var.nat]
}

resource "aws_vpc" "this" {
  cidr_block           = var.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = { Name = var.name }
}

# AWS makes this group and lets everything in it talk. Managed without rules, it lets nothing.
resource "aws_default_security_group" "this" {
  vpc_id  = aws_vpc.this.id
  ingress = []
  egress  = []

  tags = { Name = "${var.name}-default-unused" }
}

# ---------------------------------------------------------------------------- public

resource "aws_subnet" "public" {
  count = length(local.public)

  vpc_id                  = aws_vpc.this.id
  cidr_block              = local.blocks[count.index]
  availability_zone       = local.public[count.index]
  map_public_ip_on_launch = false

  tags = { Name = "${var.name}-public-${local.public[count.index]}" }
}

resource "aws_internet_gateway" "this" {
  count = length(local.public) > 0 ? 1 : 0

  vpc_id = aws_vpc.this.id

  tags = { Name = var.name }
}

resource "aws_route_table" "public" {
  count = length(local.public) > 0 ? 1 : 0

  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-public" }
}

resource "aws_route" "internet" {
  count = length(local.public) > 0 ? 1 : 0

  route_table_id         = aws_route_table.public[0].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this[0].id
}

resource "aws_route_table_association" "public" {
  count = length(local.public)

  subnet_id      = aws_subnet.public[count.index].id
  route_table_id = aws_route_table.public[0].id
}

# ---------------------------------------------------------------------------- private

resource "aws_subnet" "private" {
  count = length(local.private)

  vpc_id                  = aws_vpc.this.id
  cidr_block              = local.blocks[4 + count.index]
  availability_zone       = local.private[count.index]
  map_public_ip_on_launch = false

  tags = { Name = "${var.name}-private-${local.private[count.index]}" }
}

# One table per zone even with one gateway: more gateways later are new routes, not new tables.
resource "aws_route_table" "private" {
  count = length(local.private)

  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-private-${local.private[count.index]}" }
}

resource "aws_route_table_association" "private" {
  count = length(local.private)

  subnet_id      = aws_subnet.private[count.index].id
  route_table_id = aws_route_table.private[count.index].id
}

# ---------------------------------------------------------------------------- isolated

resource "aws_subnet" "isolated" {
  count = length(local.isolated)

  vpc_id                  = aws_vpc.this.id
  cidr_block              = local.blocks[8 + count.index]
  availability_zone       = local.isolated[count.index]
  map_public_ip_on_launch = false

  tags = { Name = "${var.name}-isolated-${local.isolated[count.index]}" }
}

# No route but the local one: what stands here answers, and calls nobody.
resource "aws_route_table" "isolated" {
  count = length(local.isolated) > 0 ? 1 : 0

  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-isolated" }
}

resource "aws_route_table_association" "isolated" {
  count = length(local.isolated)

  subnet_id      = aws_subnet.isolated[count.index].id
  route_table_id = aws_route_table.isolated[0].id
}
