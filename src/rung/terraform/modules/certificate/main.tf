# A certificate that renews itself, because the record that proves the domain stays where it is.

data "aws_route53_zone" "this" {
  name         = var.zone
  private_zone = false
}

locals {
  made    = var.existing == null ? 1 : 0
  proved  = var.existing == null ? setunion([var.domain], [for name in var.aliases : trimprefix(name, "*.")]) : []
  options = flatten(aws_acm_certificate.this[*].domain_validation_options)
}

resource "aws_acm_certificate" "this" {
  count = local.made

  domain_name               = var.domain
  subject_alternative_names = setunion(["*.${var.domain}"], var.aliases)
  validation_method         = "DNS"

  tags = { Name = var.name }

  lifecycle {
    create_before_destroy = true
  }
}

# A name and its wildcard are proved by the same record, so there is one per name and none per wildcard.
resource "aws_route53_record" "proof" {
  for_each = local.proved

  zone_id         = data.aws_route53_zone.this.zone_id
  name            = [for option in local.options : option.resource_record_name if trimprefix(option.domain_name, "*.") == each.key][0]
  type            = [for option in local.options : option.resource_record_type if trimprefix(option.domain_name, "*.") == each.key][0]
  records         = [[for option in local.options : option.resource_record_value if trimprefix(option.domain_name, "*.") == each.key][0]]
  ttl             = 300
  allow_overwrite = true
}

resource "aws_acm_certificate_validation" "this" {
  count = local.made

  certificate_arn         = aws_acm_certificate.this[0].arn
  validation_record_fqdns = [for record in aws_route53_record.proof : record.fqdn]
}
