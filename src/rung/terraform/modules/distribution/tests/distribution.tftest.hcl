mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name               = "shop-prod"
  logs_bucket_domain = "shop-prod-logs.s3.amazonaws.com"
  load_balancer      = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/shop/1", dns_name = "internal-shop.elb.amazonaws.com" }
  sites = {
    web  = { bucket_domain = "web.s3.eu-central-1.amazonaws.com" }
    docs = { bucket_domain = "docs.s3.eu-central-1.amazonaws.com", spa = false }
  }
  forwards = [
    { path = "/*", target = "web" },
    { path = "/api/*", target = "api" },
    { path = "/docs/*", target = "docs" },
    { path = "/api/reports/*", target = "reports" },
    { path = "/robots.txt", target = "web" },
  ]
}

run "a_site_and_an_api" {
  command = plan

  variables {
    domain          = "shop.example.com"
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/1"
    zone_id         = "Z1"
    firewall_arn    = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/shop/1"
  }

  assert {
    condition     = aws_cloudfront_distribution.this.ordered_cache_behavior[*].path_pattern == tolist(["/robots.txt", "/api/reports/*", "/docs/*", "/api/*"])
    error_message = "exact before wildcards, long before short"
  }

  assert {
    condition     = aws_cloudfront_distribution.this.default_cache_behavior[0].target_origin_id == "web" && length(aws_cloudfront_distribution.this.default_cache_behavior[0].function_association) == 1 && length(aws_cloudfront_distribution.this.custom_error_response) == 0
    error_message = "pages are rewritten before the request; an error page would hide the API's errors"
  }

  assert {
    condition     = alltrue([for b in aws_cloudfront_distribution.this.ordered_cache_behavior : length(b.function_association) == 0 && b.cache_policy_id == local.caching_disabled && b.origin_request_policy_id == local.all_viewer if b.target_origin_id == "load_balancer"])
    error_message = "nothing of the API is rewritten or cached, and it sees the whole request"
  }

  assert {
    condition     = alltrue([for b in concat(aws_cloudfront_distribution.this.ordered_cache_behavior, aws_cloudfront_distribution.this.default_cache_behavior) : b.viewer_protocol_policy == "redirect-to-https"])
    error_message = "nothing without TLS"
  }

  assert {
    condition     = aws_cloudfront_distribution.this.viewer_certificate[0].minimum_protocol_version == "TLSv1.2_2021" && aws_cloudfront_distribution.this.web_acl_id == var.firewall_arn && aws_cloudfront_distribution.this.logging_config[0].prefix == "cloudfront/shop-prod/"
    error_message = "TLS 1.2 at least, behind the firewall, logged"
  }

  assert {
    condition     = length([for o in aws_cloudfront_distribution.this.origin : o if length(o.vpc_origin_config) == 1]) == 1 && length(aws_cloudfront_vpc_origin.this) == 1
    error_message = "the load balancer is reached inside the VPC"
  }

  assert {
    condition     = keys(aws_route53_record.this) == ["shop.example.com A", "shop.example.com AAAA"]
    error_message = "the name leads here, by IPv4 and IPv6"
  }

  assert {
    condition     = aws_cloudfront_response_headers_policy.this.security_headers_config[0].strict_transport_security[0].access_control_max_age_sec == 31536000 && keys(aws_cloudfront_function.this) == ["pages", "spa"]
    error_message = "browsers remember HTTPS for a year"
  }
}

run "an_api_of_two_hosts" {
  command = plan

  variables {
    domain                  = "shop.example.com"
    certificate_arn         = "arn:aws:acm:us-east-1:123456789012:certificate/1"
    zone_id                 = "Z1"
    sites                   = {}
    forwards                = [{ path = "/*", target = "api" }, { path = "/*", target = "admin", host = "admin.example.com" }]
    load_balancer           = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/shop/1", dns_name = "internal-shop.elb.amazonaws.com", https = true }
    content_security_policy = "default-src 'self'"
  }

  assert {
    condition     = aws_cloudfront_distribution.this.aliases == toset(["shop.example.com", "admin.example.com"]) && length(aws_route53_record.this) == 4
    error_message = "both hosts are names of the distribution"
  }

  assert {
    condition     = aws_cloudfront_distribution.this.default_cache_behavior[0].target_origin_id == "load_balancer" && length(aws_cloudfront_distribution.this.ordered_cache_behavior) == 0 && contains(aws_cloudfront_distribution.this.default_cache_behavior[0].allowed_methods, "POST")
    error_message = "everything goes to the load balancer, which tells hosts apart"
  }

  assert {
    condition     = aws_cloudfront_vpc_origin.this[0].vpc_origin_endpoint_config[0].origin_protocol_policy == "https-only" && length(aws_cloudfront_origin_access_control.this) == 0
    error_message = "with a certificate the last part of the way is encrypted as well"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name            = "shop prod"
    forwards        = []
    domain          = "https://shop.example.com"
    certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/1"
    origin_seconds  = 300
    price_class     = "cheap"
  }

  expect_failures = [var.name, var.forwards, var.domain, var.certificate_arn, var.origin_seconds, var.price_class]
}

run "a_forward_to_nobody_is_refused" {
  command = plan

  variables {
    load_balancer = null
  }

  expect_failures = [var.forwards]
}

run "a_path_that_is_none_is_refused" {
  command = plan

  variables {
    forwards = [{ path = "api/*", target = "api" }]
  }

  expect_failures = [var.forwards]
}

run "a_site_by_host_is_refused" {
  command = plan

  variables {
    forwards = [{ path = "/*", target = "web", host = "www.example.com" }]
  }

  expect_failures = [var.forwards]
}
