mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name   = "shop-prod-overview"
  region = "eu-central-1"

  groups = [
    {
      title = "api"
      graphs = [for title in ["Latency", "Traffic", "Errors", "Saturation", "Tasks"] : {
        title = title
        limit = title == "Latency" ? 0.1 : null
        metrics = [
          { namespace = "AWS/ApplicationELB", name = "RequestCount", statistic = "Sum", id = "requests", visible = false, dimensions = { LoadBalancer = "app/shop/1", TargetGroup = "tg/1" } },
          { expression = "requests / 60", label = "per second" },
        ]
      }]
    },
    {
      title  = "orders"
      graphs = [{ title = "Depth", region = "us-east-1", metrics = [{ namespace = "AWS/SQS", name = "Depth" }] }]
    },
  ]
}

run "groups_stand_under_each_other" {
  command = plan

  assert {
    condition     = [for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : "${widget.x},${widget.y}" if widget.type == "metric"] == ["0,1", "6,1", "12,1", "18,1", "0,7", "0,14"]
    error_message = "four graphs in a row, and a group begins where the one before it ends"
  }

  assert {
    condition     = [for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : "${widget.properties.markdown} at ${widget.y}" if widget.type == "text"] == ["## api at 0", "## orders at 13"]
    error_message = "each group has its heading"
  }

  assert {
    condition     = jsonencode(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets[2].properties.metrics) == jsonencode([["AWS/ApplicationELB", "RequestCount", "LoadBalancer", "app/shop/1", "TargetGroup", "tg/1", { id = "requests", stat = "Sum", visible = false }], [{ expression = "requests / 60", label = "per second", visible = true }]])
    error_message = "metrics are written as CloudWatch reads them"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets[2].properties.annotations.horizontal[0].value == 0.1 && !can(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets[3].properties.annotations)
    error_message = "a limit is drawn where there is one"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets[7].properties.region == "us-east-1"
    error_message = "what CloudFront and Route 53 measure is in another region"
  }
}

run "alarms_stand_at_the_top" {
  command = plan

  variables {
    alarm_arns = [for index in range(7) : "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:${index}"]
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets[0].height == 4 && jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets[1].y == 4
    error_message = "the widget has room for every alarm, and all else moves down"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name       = "shop overview"
    region     = "Frankfurt"
    groups     = []
    alarm_arns = [for index in range(101) : "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:${index}"]
  }

  expect_failures = [var.name, var.region, var.groups, var.alarm_arns]
}

run "a_metric_without_a_name_is_refused" {
  command = plan

  variables {
    groups = [{ title = "api", graphs = [{ title = "Latency", metrics = [{ namespace = "AWS/SQS" }] }] }]
  }

  expect_failures = [var.groups]
}

run "more_widgets_than_cloudwatch_takes_are_refused" {
  command = plan

  variables {
    groups = [{ title = "api", graphs = [for index in range(500) : { title = "Latency", metrics = [{ namespace = "AWS/SQS", name = "Depth" }] }] }]
  }

  expect_failures = [var.groups]
}
