output "vpc_id" {
  description = "Id of the VPC."
  value       = var.vpc_id
}

output "cidr" {
  description = "Addresses of the VPC."
  value       = data.aws_vpc.this.cidr_block
}

output "public_subnet_ids" {
  description = "Ids of the public subnets."
  value       = var.public_subnet_ids

  precondition {
    condition     = length(local.zones.public) != 1
    error_message = "All public subnets are in one zone: a load balancer needs two."
  }
}

output "private_subnet_ids" {
  description = "Ids of the private subnets."
  value       = var.private_subnet_ids

  precondition {
    condition     = length(local.zones.private) != 1
    error_message = "All private subnets are in one zone: its loss would be the loss of everything."
  }
}

output "isolated_subnet_ids" {
  description = "Ids of the isolated subnets."
  value       = var.isolated_subnet_ids

  precondition {
    condition     = length(local.zones.isolated) != 1
    error_message = "All isolated subnets are in one zone: a database subnet group needs two."
  }
}

output "endpoints_security_group_id" {
  description = "Security group of the interface endpoints; null without."
  value       = var.endpoints_security_group_id
}

output "nat_public_ips" {
  description = "Addresses that outgoing traffic comes from; not known for a network of somebody else."
  value       = tolist([])
}

output "s3_prefix_list_id" {
  description = "Prefix list of S3; null when gateway_endpoints does not name it."
  value       = one([for name, list in data.aws_ec2_managed_prefix_list.gateway : list.id if name == "s3"])
}

output "dynamodb_prefix_list_id" {
  description = "Prefix list of DynamoDB; null when gateway_endpoints does not name it."
  value       = one([for name, list in data.aws_ec2_managed_prefix_list.gateway : list.id if name == "dynamodb"])
}
