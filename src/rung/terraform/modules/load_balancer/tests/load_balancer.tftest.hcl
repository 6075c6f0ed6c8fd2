mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name             = "shop-prod"
  vpc_id           = "vpc-1"
  subnet_ids       = ["subnet-1", "subnet-2"]
  logs_bucket      = "shop-prod-logs"
  certificate_arns = ["arn:aws:acm:eu-central-1:123456789012:certificate/1"]
  targets = {
    api   = { port = 8000 }
    admin = { port = 9000, sticky = true, health_path = "/ready", deregistration_seconds = 5 }
  }
  forwards = [
    { path = "/*", target = "api" },
    { path = "/admin/*", target = "admin" },
    { path = "/admin/reports/*", target = "admin" },
    { path = "/admin/reports/today", target = "api" },
    { path = "/*", target = "admin", host = "*.example.com" },
    { path = "/*", target = "admin", host = "admin.example.com" },
  ]
}

run "https_alone" {
  command = plan

  assert {
    condition     = aws_lb_listener.https[0].port == 443 && aws_lb_listener.https[0].ssl_policy == "ELBSecurityPolicy-TLS13-1-2-Res-2021-06" && length(aws_lb_listener.http) == 0
    error_message = "with a certificate nothing is served without TLS"
  }

  assert {
    condition     = aws_lb_listener.redirect[0].default_action[0].redirect[0].protocol == "HTTPS" && aws_lb_listener.redirect[0].default_action[0].redirect[0].status_code == "HTTP_301"
    error_message = "http redirects to https"
  }

  assert {
    condition     = aws_lb_listener.https[0].default_action[0].fixed_response[0].status_code == "404"
    error_message = "what no forward names is not found"
  }

  assert {
    condition     = aws_lb.this.drop_invalid_header_fields && aws_lb.this.enable_deletion_protection && !aws_lb.this.internal && aws_lb.this.access_logs[0].enabled
    error_message = "invalid headers are dropped, deletion is refused, requests are logged"
  }

  assert {
    condition     = !aws_lb_target_group.this["api"].stickiness[0].enabled && aws_lb_target_group.this["admin"].stickiness[0].enabled && aws_lb_target_group.this["admin"].health_check[0].path == "/ready" && aws_lb_target_group.this["admin"].deregistration_delay == "5"
    error_message = "targets are as they are described"
  }
}

run "the_most_specific_wins" {
  command = plan

  assert {
    condition = tolist([
      for key in ["admin.example.com/*", "*.example.com/*", "*/admin/reports/today", "*/admin/reports/*", "*/admin/*", "*/*"] :
      format("%05d", local.priorities[key])
    ]) == tolist(sort([for priority in values(local.priorities) : format("%05d", priority)]))
    error_message = "hosts before none, exact before wildcard, long before short"
  }

  assert {
    condition     = local.priorities["*/admin/*"] == 49030
    error_message = "a priority is made of the rule alone"
  }

  assert {
    condition     = alltrue([for priority in values(local.priorities) : priority >= 1 && priority <= 50000])
    error_message = "AWS has priorities from 1 to 50000"
  }
}

run "a_new_forward_moves_no_other" {
  command = plan

  variables {
    forwards = [{ path = "/admin/*", target = "admin" }]
  }

  assert {
    condition     = aws_lb_listener_rule.this["*/admin/*"].priority == 49030
    error_message = "the same as with five others"
  }
}

run "internal_and_plain_behind_cloudfront" {
  command = plan

  variables {
    internal         = true
    certificate_arns = []
    protected        = false
    targets          = { hosts = { port = 80, type = "instance" } }
    forwards         = [{ path = "/*", target = "hosts", priority = 7 }]
  }

  assert {
    condition     = aws_lb.this.internal && length(aws_lb_listener.https) == 0 && length(aws_lb_listener.redirect) == 0 && aws_lb_listener.http[0].port == 80
    error_message = "one listener, without TLS, on private addresses"
  }

  assert {
    condition     = aws_lb_listener_rule.this["*/*"].priority == 7 && aws_lb_target_group.this["hosts"].target_type == "instance"
    error_message = "a priority of its own is kept"
  }
}

run "a_name_and_a_second_certificate" {
  command = plan

  variables {
    domain           = "shop.example.com"
    zone_id          = "Z1"
    certificate_arns = ["arn:aws:acm:eu-central-1:123456789012:certificate/1", "arn:aws:acm:eu-central-1:123456789012:certificate/2"]
  }

  assert {
    condition     = aws_route53_record.this[0].name == "shop.example.com" && aws_route53_record.this[0].alias[0].evaluate_target_health
    error_message = "the name leads to the load balancer"
  }

  assert {
    condition     = aws_lb_listener_certificate.this[0].certificate_arn == var.certificate_arns[1]
    error_message = "further certificates are on the listener as well"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name         = "internal-shop"
    subnet_ids   = ["subnet-1"]
    targets      = { API = { port = 8000 } }
    idle_seconds = 0
    tls_policy   = "ELBSecurityPolicy-2016-08"
  }

  expect_failures = [var.name, var.subnet_ids, var.targets, var.idle_seconds, var.tls_policy]
}

run "a_port_that_is_none_is_refused" {
  command = plan

  variables {
    targets = { api = { port = 70000 } }
  }

  expect_failures = [var.targets]
}

run "a_relative_health_path_is_refused" {
  command = plan

  variables {
    targets = { api = { port = 8000, health_path = "health" } }
  }

  expect_failures = [var.targets]
}

run "a_goodbye_of_hours_is_refused" {
  command = plan

  variables {
    targets = { api = { port = 8000, deregistration_seconds = 4000 } }
  }

  expect_failures = [var.targets]
}

run "an_unknown_type_is_refused" {
  command = plan

  variables {
    targets = { api = { port = 8000, type = "lambda" } }
  }

  expect_failures = [var.targets]
}

run "a_forward_to_nobody_is_refused" {
  command = plan

  variables {
    forwards = [{ path = "/*", target = "web" }]
  }

  expect_failures = [var.forwards]
}

run "a_path_without_its_slash_is_refused" {
  command = plan

  variables {
    forwards = [{ path = "api/*", target = "api" }]
  }

  expect_failures = [var.forwards]
}

run "a_priority_out_of_range_is_refused" {
  command = plan

  variables {
    forwards = [{ path = "/*", target = "api", priority = 50001 }]
  }

  expect_failures = [var.forwards]
}

run "one_path_twice_is_refused" {
  command = plan

  variables {
    forwards = [{ path = "/*", target = "api" }, { path = "/*", target = "api" }]
  }

  expect_failures = [var.forwards]
}

run "two_equal_priorities_are_refused" {
  command = plan

  variables {
    forwards = [{ path = "/a", target = "api", priority = 1 }, { path = "/b", target = "api", priority = 1 }]
  }

  expect_failures = [aws_lb_listener_rule.this]
}

run "a_name_that_is_too_long_for_aws" {
  command = plan

  variables {
    name = "customer-portal-production-load-balancer"
  }

  assert {
    condition     = length(aws_lb.this.name) <= 32 && startswith(aws_lb.this.name, "customer-portal-product-")
    error_message = "it is cut, and ends with a digest of the whole"
  }
}

run "a_certificate_is_made_where_none_is_given" {
  command = plan

  # A mocked certificate has no records that prove it; those are tested with the module certificate.
  override_module {
    target  = module.certificate
    outputs = { arn = "arn:aws:acm:eu-central-1:123456789012:certificate/00000000-0000-0000-0000-000000000000", zone_id = "Z0000000000000000000", domain = "shop.example.com" }
  }

  variables {
    certificate_arns = []
    certificate      = { domain = "shop.example.com", zone = "example.com" }
  }

  assert {
    condition     = length(module.certificate) == 1 && length(aws_lb_listener.https) == 1 && aws_lb_listener.https[0].certificate_arn == output.certificate_arn
    error_message = "it speaks TLS with a certificate of its own"
  }
}
