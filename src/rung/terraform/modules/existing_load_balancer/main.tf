# A load balancer that others use too: our targets, our rules on its listener, and our certificate beside its own.
# Nothing of it is changed. Every rule names the hosts it is for, so that nobody else's requests come here.

data "aws_lb_listener" "this" {
  arn = var.listener_arn
}

data "aws_lb" "this" {
  arn = data.aws_lb_listener.this.load_balancer_arn
}

locals {
  # Made of the rule alone, as in the module load_balancer: a new rule moves no other. They begin behind the owner's.
  forwards = {
    for forward in var.forwards : join("", [forward.host, forward.path]) => merge(forward, {
      class = (
        (length(regexall("[*?]", forward.host)) > 0 ? 2 : 0) + (length(regexall("[*?]", forward.path)) > 0 ? 1 : 0)
      )
      fixed = length(regex("^[^*?]*", forward.path))
      text  = parseint(substr(sha256(join(" ", [forward.host, forward.path])), 0, 8), 16) % 64
    })
  }
  priorities = {
    for key, forward in local.forwards :
    key => var.first_priority + forward.class * 8256 + (128 - forward.fixed) * 64 + forward.text
  }
}

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

    precondition {
      condition     = data.aws_lb.this.vpc_id == var.vpc_id
      error_message = "The load balancer is in ${data.aws_lb.this.vpc_id}, and its targets would be in ${var.vpc_id}: name the VPC of the load balancer."
    }
  }
}

resource "aws_lb_listener_certificate" "this" {
  count = length(var.certificate_arns)

  listener_arn    = var.listener_arn
  certificate_arn = var.certificate_arns[count.index]

  lifecycle {
    precondition {
      condition     = data.aws_lb_listener.this.protocol == "HTTPS"
      error_message = "The listener speaks ${coalesce(data.aws_lb_listener.this.protocol, "no HTTP")}, and takes no certificate: name its HTTPS listener."
    }
  }
}

resource "aws_lb_listener_rule" "this" {
  for_each = local.forwards

  listener_arn = var.listener_arn
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

  condition {
    host_header {
      values = [each.value.host]
    }
  }

  tags = { Name = each.key }

  lifecycle {
    precondition {
      condition     = length(distinct(values(local.priorities))) == length(local.priorities)
      error_message = "Two forwards come to the same priority; write one of the paths differently."
    }
  }
}

resource "aws_route53_record" "this" {
  count = var.domain == null ? 0 : 1

  zone_id = var.zone_id
  name    = var.domain
  type    = "A"

  alias {
    name                   = data.aws_lb.this.dns_name
    zone_id                = data.aws_lb.this.zone_id
    evaluate_target_health = true
  }
}
