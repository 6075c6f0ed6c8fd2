mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

override_data {
  target = data.aws_lb_listener.this
  values = {
    load_balancer_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/shared/50dc6c495c0c9188"
    protocol          = "HTTPS"
  }
}

override_data {
  target = data.aws_lb.this
  values = {
    arn             = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/shared/50dc6c495c0c9188"
    arn_suffix      = "app/shared/50dc6c495c0c9188"
    dns_name        = "shared.eu-central-1.elb.amazonaws.com"
    zone_id         = "Z215JYRZR1TBD5"
    vpc_id          = "vpc-1"
    security_groups = ["sg-2", "sg-1"]
  }
}

variables {
  name             = "tea-prod-load-balancer"
  listener_arn     = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/shared/50dc6c495c0c9188/f2f7dc8efc522ab2"
  vpc_id           = "vpc-1"
  certificate_arns = ["arn:aws:acm:eu-central-1:123456789012:certificate/1"]
  domain           = "tea.example.com"
  zone_id          = "Z1"
  targets = {
    api   = { port = 8000 }
    admin = { port = 9000, sticky = true, health_path = "/ready" }
  }
  forwards = [
    { path = "/*", target = "api", host = "tea.example.com" },
    { path = "/admin/*", target = "admin", host = "tea.example.com" },
  ]
}

run "adds_to_what_is_there" {
  command = plan

  assert {
    condition     = alltrue([for rule in aws_lb_listener_rule.this : rule.listener_arn == var.listener_arn && contains(flatten([for condition in rule.condition : [for header in condition.host_header : tolist(header.values)]]), "tea.example.com")])
    error_message = "every rule is for our hosts alone"
  }

  assert {
    condition     = aws_lb_listener_rule.this["tea.example.com/admin/*"].priority < aws_lb_listener_rule.this["tea.example.com/*"].priority && aws_lb_listener_rule.this["tea.example.com/admin/*"].priority >= 10000
    error_message = "the longer path comes first, behind the rules of others"
  }

  assert {
    condition     = aws_lb_listener_certificate.this[0].listener_arn == var.listener_arn && aws_route53_record.this[0].name == "tea.example.com"
    error_message = "our certificate stands beside the others, and our name leads there"
  }

  assert {
    condition     = output.security_group_id == "sg-1" && output.arn_suffix == "app/shared/50dc6c495c0c9188" && aws_lb_target_group.this["admin"].stickiness[0].enabled
    error_message = "it tells what a load balancer of ours would tell"
  }
}

run "without_a_certificate_and_a_name" {
  command = plan

  variables {
    certificate_arns = []
    domain           = null
  }

  assert {
    condition     = length(aws_lb_listener_certificate.this) == 0 && length(aws_route53_record.this) == 0
    error_message = "nothing is added that was not asked for"
  }
}

run "another_network_is_refused" {
  command = plan

  variables {
    vpc_id = "vpc-2"
  }

  expect_failures = [aws_lb_target_group.this]
}

run "a_listener_without_tls_takes_no_certificate" {
  command = plan

  override_data {
    target = data.aws_lb_listener.this
    values = {
      load_balancer_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/shared/50dc6c495c0c9188"
      protocol          = "HTTP"
    }
  }

  expect_failures = [aws_lb_listener_certificate.this]
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name             = "-tea"
    listener_arn     = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/shared/50dc6c495c0c9188"
    first_priority   = 40000
    certificate_arns = []
    targets          = { api = { port = 0, type = "lambda" } }
    forwards         = []
  }

  expect_failures = [var.name, var.listener_arn, var.first_priority, var.targets]
}

run "wrong_forwards_are_refused" {
  command = plan

  variables {
    certificate_arns = []
    forwards = [
      { path = "admin", target = "api", host = "tea.example.com" },
      { path = "admin", target = "none", host = "tea.example.com" },
    ]
  }

  expect_failures = [var.forwards]
}
