# CloudFront in front of an internal load balancer and private buckets: the only way in.

locals {
  # Policies that AWS maintains, by their ids: the same in every account. Looking them up would cost a request each.
  caching_optimized = "658327ea-f89d-4fab-a63d-7e88639e58f6"
  caching_disabled  = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
  all_viewer        = "216adef6-5c7f-47e4-b989-5492eafa07d3"

  names = distinct(concat(
    [for name in [var.domain] : name if name != null],
    [for forward in var.forwards : forward.host if forward.host != null],
  ))

  # CloudFront takes the first pattern that fits: exact before wildcards, long before short.
  paths = {
    for forward in var.forwards :
    forward.path => contains(keys(var.sites), forward.target) ? forward.target : "load_balancer"...
  }
  order = [
    for key in sort([
      for path in keys(local.paths) :
      format("%d %03d %s", length(regexall("[*?]", path)) > 0 ? 1 : 0, 999 - length(regex("^[^*?]*", path)), path)
    ]) : substr(key, 6, -1)
  ]
  catch_all = contains(local.order, "/*") ? local.paths["/*"][0] : local.paths[local.order[length(local.order) - 1]][0]
  behaviours = [
    for path in local.order : { path = path, target = local.paths[path][0] } if path != "/*"
  ]
}

resource "aws_cloudfront_distribution" "this" {
  comment             = var.name
  enabled             = true
  is_ipv6_enabled     = true
  http_version        = "http2and3"
  price_class         = var.price_class
  aliases             = local.names
  web_acl_id          = var.firewall_arn
  default_root_object = local.catch_all == "load_balancer" ? null : "index.html"

  dynamic "origin" {
    for_each = var.load_balancer == null ? [] : [var.load_balancer]

    content {
      origin_id   = "load_balancer"
      domain_name = origin.value.dns_name

      vpc_origin_config {
        vpc_origin_id            = aws_cloudfront_vpc_origin.this[0].id
        origin_read_timeout      = var.origin_seconds
        origin_keepalive_timeout = 30
      }
    }
  }

  dynamic "origin" {
    for_each = var.sites

    content {
      origin_id                = origin.key
      domain_name              = origin.value.bucket_domain
      origin_access_control_id = aws_cloudfront_origin_access_control.this[0].id
    }
  }

  default_cache_behavior {
    target_origin_id           = local.catch_all
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = local.catch_all == "load_balancer" ? ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"] : ["GET", "HEAD", "OPTIONS"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    cache_policy_id            = local.catch_all == "load_balancer" ? local.caching_disabled : local.caching_optimized
    origin_request_policy_id   = local.catch_all == "load_balancer" ? local.all_viewer : null
    response_headers_policy_id = aws_cloudfront_response_headers_policy.this.id

    dynamic "function_association" {
      for_each = local.catch_all == "load_balancer" ? [] : [var.sites[local.catch_all].spa ? "spa" : "pages"]

      content {
        event_type   = "viewer-request"
        function_arn = aws_cloudfront_function.this[function_association.value].arn
      }
    }
  }

  dynamic "ordered_cache_behavior" {
    for_each = local.behaviours

    content {
      path_pattern               = ordered_cache_behavior.value.path
      target_origin_id           = ordered_cache_behavior.value.target
      viewer_protocol_policy     = "redirect-to-https"
      allowed_methods            = ordered_cache_behavior.value.target == "load_balancer" ? ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"] : ["GET", "HEAD", "OPTIONS"]
      cached_methods             = ["GET", "HEAD"]
      compress                   = true
      cache_policy_id            = ordered_cache_behavior.value.target == "load_balancer" ? local.caching_disabled : local.caching_optimized
      origin_request_policy_id   = ordered_cache_behavior.value.target == "load_balancer" ? local.all_viewer : null
      response_headers_policy_id = aws_cloudfront_response_headers_policy.this.id

      dynamic "function_association" {
        for_each = ordered_cache_behavior.value.target == "load_balancer" ? [] : [var.sites[ordered_cache_behavior.value.target].spa ? "spa" : "pages"]

        content {
          event_type   = "viewer-request"
          function_arn = aws_cloudfront_function.this[function_association.value].arn
        }
      }
    }
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    cloudfront_default_certificate = var.domain == null ? true : null
    acm_certificate_arn            = var.domain == null ? null : var.certificate_arn
    ssl_support_method             = var.domain == null ? null : "sni-only"
    minimum_protocol_version       = var.domain == null ? "TLSv1" : "TLSv1.2_2021"
  }

  logging_config {
    bucket          = var.logs_bucket_domain
    prefix          = "cloudfront/${var.name}/"
    include_cookies = false
  }
}

# ---------------------------------------------------------------------------- origins

resource "aws_cloudfront_vpc_origin" "this" {
  count = var.load_balancer == null ? 0 : 1

  vpc_origin_endpoint_config {
    name                   = var.name
    arn                    = var.load_balancer.arn
    http_port              = 80
    https_port             = 443
    origin_protocol_policy = var.load_balancer.https ? "https-only" : "http-only"

    origin_ssl_protocols {
      items    = ["TLSv1.2"]
      quantity = 1
    }
  }
}

# Where requests come from when they reach the load balancer. A rule for the addresses of the VPC would not let them in.
data "aws_ec2_managed_prefix_list" "origin_facing" {
  count = var.load_balancer == null ? 0 : 1

  name = "com.amazonaws.global.cloudfront.origin-facing"
}

resource "aws_cloudfront_origin_access_control" "this" {
  count = length(var.sites) > 0 ? 1 : 0

  name                              = var.name
  description                       = "Signs what ${var.name} asks of its buckets"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

# ---------------------------------------------------------------------------- what the edge does itself

resource "aws_cloudfront_function" "this" {
  for_each = toset([for site in var.sites : site.spa ? "spa" : "pages"])

  name    = "${var.name}-${each.key}"
  comment = each.key == "spa" ? "Paths without a dot are the one page" : "Folders are the index.html in them"
  runtime = "cloudfront-js-2.0"
  code    = file("${path.module}/${each.key}.js")
  publish = true
}

# What the application says itself stands, but for HTTPS: that is decided here.
resource "aws_cloudfront_response_headers_policy" "this" {
  name    = var.name
  comment = "Headers that browsers protect visitors by"

  security_headers_config {
    strict_transport_security {
      access_control_max_age_sec = 31536000
      include_subdomains         = true
      override                   = true
    }

    content_type_options {
      override = true
    }

    frame_options {
      frame_option = "SAMEORIGIN"
      override     = false
    }

    referrer_policy {
      referrer_policy = "strict-origin-when-cross-origin"
      override        = false
    }

    dynamic "content_security_policy" {
      for_each = var.content_security_policy == null ? [] : [var.content_security_policy]

      content {
        content_security_policy = content_security_policy.value
        override                = false
      }
    }
  }
}

# ---------------------------------------------------------------------------- names

resource "aws_route53_record" "this" {
  for_each = var.domain == null ? {} : { for pair in setproduct(local.names, ["A", "AAAA"]) : "${pair[0]} ${pair[1]}" => pair }

  zone_id = var.zone_id
  name    = each.value[0]
  type    = each.value[1]

  alias {
    name                   = aws_cloudfront_distribution.this.domain_name
    zone_id                = aws_cloudfront_distribution.this.hosted_zone_id
    evaluate_target_health = false
  }
}
