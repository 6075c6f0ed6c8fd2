output "rule_ids" {
  description = "Ids of the rules by what they allow, out and in."
  value = {
    out = { for key, rule in aws_vpc_security_group_egress_rule.this : key => rule.security_group_rule_id }
    in  = { for key, rule in aws_vpc_security_group_ingress_rule.this : key => rule.security_group_rule_id }
  }
}
