# An application load balancer: HTTPS with a certificate, a redirect to it, and a 404 for what nobody asked to serve.

locals {
  certificate_arns = concat(var.certificate_arns, module.certificate[*].arn)
  zone_id          = var.zone_id == null ? one(module.certificate[*].zone_id) : var.zone_id

  https = length(local.certificate_arns) > 0

  short_name = (
    length(var.name) <= 32 ? var.name :
    "${trimsuffix(substr(var.name, 0, 23), "-")}-${substr(sha256(var.name), 0, 8)}"
  )

  # A priority is made of the rule alone: class (host, then kind of path), then length of the fixed part of the path,
  # then a few bits of its text. So a new rule moves no other, and no update has to swap two priorities.
  forwards = {
    for forward in var.forwards : join("", [coalesce(forward.host, "*"), forward.path]) => merge(forward, {
      class = (
        (forward.host == null ? 4 : length(regexall("[*?]", coalesce(forward.host, "-"))) > 0 ? 2 : 0)
        + (length(regexall("[*?]", forward.path)) > 0 ? 1 : 0)
      )
      fixed = length(regex("^[^*?]*", forward.path))
      text  = parseint(substr(sha256(join(" ", [coalesce(forward.host, "*"), forward.path])), 0, 8), 16) % 64
    })
  }
  priorities = {
    for key, forward in local.forwards :
    key => coalesce(forward.priority, 1 + forward.class * 8256 + (128 - forward.fixed) * 64 + forward.text)
  }
}

resource "aws_lb" "this" {
  name               = local.short_name
  load_balancer_type = "application"
  internal           = var.internal
  subnets            = var.subnet_ids
  security_groups    = [aws_security_group.this.id]

  idle_timeout                                = var.idle_seconds
  enable_deletion_protection                  = var.protected
  drop_invalid_header_fields                  = true
  desync_mitigation_mode                      = "defensive"
  enable_tls_version_and_cipher_suite_headers = false

  access_logs {
    bucket  = var.logs_bucket
    prefix  = var.name
    enabled = true
  }
}

# Without rules of its own: who may call it, and whom it may call, are connections.
resource "aws_security_group" "this" {
  name        = var.name
  description = "Load balancer ${var.name}"
  vpc_id      = var.vpc_id

  tags = { Name = var.name }
}

# ---------------------------------------------------------------------------- targets

resource "aws_lb_target_group" "this" {
  for_each = var.targets

  # A port or type cannot be changed: another name lets the new group stand before the old one goes.
  name        = "${trimsuffix(substr(each.key, 0, 23), "-")}-${substr(sha256("${var.name}/${each.key}/${each.value.port}/${each.value.type}"), 0, 8)}"
  vpc_id      = var.vpc_id
  port        = each.value.port
  protocol    = "HTTP"
  target_type = each.value.type

  deregistration_delay          = each.value.deregistration_seconds
  load_balancing_algorithm_type = "least_outstanding_requests"

  # A target is in after 20 seconds, and out after 30: the defaults are two and a half minutes each.
  health_check {
    path                = each.value.health_path
    protocol            = "HTTP"
    port                = "traffic-port"
    matcher             = "200-299"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }

  stickiness {
    type            = "lb_cookie"
    enabled         = each.value.sticky
    cookie_duration = 86400
  }

  tags = { Name = "${var.name}-${each.key}" }

  lifecycle {
    create_before_destroy = true
  }
}

# ---------------------------------------------------------------------------- listeners

resource "aws_lb_listener" "https" {
  count = local.https ? 1 : 0

  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = var.tls_policy
  certificate_arn   = local.certificate_arns[0]

  default_action {
    type = "fixed-response"

    fixed_response {
      content_type = "text/plain"
      message_body = "nothing is served here"
      status_code  = "404"
    }
  }
}

resource "aws_lb_listener_certificate" "this" {
  count = max(length(local.certificate_arns) - 1, 0)

  listener_arn    = aws_lb_listener.https[0].arn
  certificate_arn = local.certificate_arns[count.index + 1]
}

resource "aws_lb_listener" "redirect" {
  count = local.https ? 1 : 0

  load_balancer_arn = aws_lb.this.arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type = "redirect"

    redirect {
      port        = "443"
      protocol    = "HTTPS"
      status_code = "HTTP_301"
    }
  }
}

resource "aws_lb_listener" "http" {
  count = local.https ? 0 : 1

  load_balancer_arn = aws_lb.this.arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type = "fixed-response"

    fixed_response {
      content_type = "text/plain"
      message_body = "nothing is served here"
      status_code  = "404"
    }
  }
}

resource "aws_lb_listener_rule" "this" {
  for_each = local.forwards

  listener_arn = one(concat(aws_lb_listener.https, aws_lb_listener.http)).arn
  priority     = local.priorities[each.key]

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this[each.value.target].arn
  }

  condition {
    path_pattern {
      values = [each.value.path]
    }
  }

  dynamic "condition" {
    for_each = each.value.host == null ? [] : [each.value.host]

    content {
      host_header {
        values = [condition.value]
      }
    }
  }

  tags = { Name = each.key }

  lifecycle {
    precondition {
      condition     = length(distinct(values(local.priorities))) == length(local.priorities)
      error_message = "Two forwards come to the same priority; give one of them a priority of its own."
    }
  }
}

# ---------------------------------------------------------------------------- name

resource "aws_route53_record" "this" {
  count = var.domain == null ? 0 : 1

  zone_id = local.zone_id
  name    = var.domain
  type    = "A"

  alias {
    name                   = aws_lb.this.dns_name
    zone_id                = aws_lb.this.zone_id
    evaluate_target_health = true
  }
}

# ---------------------------------------------------------------------------- certificate

module "certificate" {
  source = "../certificate"
  count  = var.certificate == null ? 0 : 1

  name   = "${var.name}-certificate"
  domain = var.certificate.domain
  zone   = var.certificate.zone
}
