mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name   = "shop-prod"
  domain = "shop.example.com"
  zone   = "example.com"
}

run "the_domain_and_its_wildcard" {
  command = plan

  variables {
    aliases = ["example.com"]
  }

  override_resource {
    target          = aws_acm_certificate.this[0]
    override_during = plan
    values = {
      arn = "arn:aws:acm:eu-central-1:123456789012:certificate/1"
      domain_validation_options = [
        { domain_name = "shop.example.com", resource_record_name = "_a.shop.example.com", resource_record_type = "CNAME", resource_record_value = "_b.acm-validations.aws" },
        { domain_name = "*.shop.example.com", resource_record_name = "_a.shop.example.com", resource_record_type = "CNAME", resource_record_value = "_b.acm-validations.aws" },
        { domain_name = "example.com", resource_record_name = "_c.example.com", resource_record_type = "CNAME", resource_record_value = "_d.acm-validations.aws" },
      ]
    }
  }

  assert {
    condition     = aws_acm_certificate.this[0].subject_alternative_names == toset(["*.shop.example.com", "example.com"]) && aws_acm_certificate.this[0].validation_method == "DNS"
    error_message = "the wildcard comes with the name, and the certificate renews itself"
  }

  assert {
    condition     = keys(aws_route53_record.proof) == ["example.com", "shop.example.com"] && aws_route53_record.proof["shop.example.com"].name == "_a.shop.example.com"
    error_message = "one record per name, none for the wildcard"
  }
}

run "one_that_is_there" {
  command = plan

  variables {
    existing = "arn:aws:acm:eu-central-1:123456789012:certificate/2"
  }

  assert {
    condition     = length(aws_acm_certificate.this) == 0 && output.arn == var.existing && output.zone_id == "Z0000000000000000000"
    error_message = "nothing is made, the zone is looked up"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    domain  = "*.example.com"
    aliases = ["example.org"]
  }

  expect_failures = [var.domain, var.aliases]
}

run "a_domain_of_another_zone_and_too_many_names_are_refused" {
  command = plan

  variables {
    domain  = "shop.example.org"
    aliases = [for n in range(9) : "n${n}.example.com"]
  }

  expect_failures = [var.domain, var.aliases]
}
