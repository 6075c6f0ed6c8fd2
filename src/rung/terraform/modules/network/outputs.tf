output "vpc_id" {
  description = "Id of the VPC."
  value       = aws_vpc.this.id
}

output "cidr" {
  description = "Addresses of the VPC."
  value       = aws_vpc.this.cidr_block
}

output "public_subnet_ids" {
  description = "Ids of the public subnets, one per zone."
  value       = aws_subnet.public[*].id

  # Whoever is placed here expects the internet to be there.
  depends_on = [aws_route.internet, aws_route_table_association.public]
}

output "private_subnet_ids" {
  description = "Ids of the private subnets, one per zone."
  value       = aws_subnet.private[*].id

  # A task that starts before its way out cannot fetch its image.
  depends_on = [
    aws_route.gateway,
    aws_route.instance,
    aws_route_table_association.private,
    aws_vpc_endpoint.gateway,
    aws_vpc_endpoint.interface,
  ]
}

output "isolated_subnet_ids" {
  description = "Ids of the isolated subnets, one per zone."
  value       = aws_subnet.isolated[*].id
}

output "endpoints_security_group_id" {
  description = "Security group of the interface endpoints; callers need a rule to it on 443."
  value       = aws_security_group.endpoints.id
}

output "nat_public_ips" {
  description = "Addresses that outgoing traffic comes from, for the allow-lists of others."
  value       = aws_eip.nat[*].public_ip
}

output "s3_prefix_list_id" {
  description = "Prefix list of S3 as the gateway endpoint reaches it, for rules to it; null without the endpoint."
  value       = one([for name, endpoint in aws_vpc_endpoint.gateway : endpoint.prefix_list_id if name == "s3"])
}

output "dynamodb_prefix_list_id" {
  description = "Prefix list of DynamoDB as the gateway endpoint reaches it; null without the endpoint."
  value       = one([for name, endpoint in aws_vpc_endpoint.gateway : endpoint.prefix_list_id if name == "dynamodb"])
}
