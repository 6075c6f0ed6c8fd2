output "rule_ids" {
  description = "Ids of the rules by description; \"in\" and \"out\" where there are two."
  value = merge(
    { for key, rule in aws_vpc_security_group_ingress_rule.this : "${key} (in)" => rule.security_group_rule_id },
    { for key, rule in aws_vpc_security_group_egress_rule.between : "${key} (out)" => rule.security_group_rule_id },
    { for key, rule in aws_vpc_security_group_egress_rule.outside : "${key} (out)" => rule.security_group_rule_id },
  )
}
