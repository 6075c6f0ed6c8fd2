# One metric as it is, and a rate calculated from two.
provider "aws" {
  region = "eu-central-1"
}

module "orders_age" {
  source = "../.."

  name        = "shop-prod-orders-age"
  description = "Orders wait longer than promised"
  threshold   = 300
  topic_arn   = "arn:aws:sns:eu-central-1:123456789012:shop-prod-alarms-page"
  runbook_url = "https://github.com/example/shop/blob/main/runbooks/queue-age.md"

  metrics = [{
    namespace  = "AWS/SQS"
    name       = "ApproximateAgeOfOldestMessage"
    statistic  = "Maximum"
    dimensions = { QueueName = "shop-prod-orders-fulfilment" }
  }]
}

module "api_errors" {
  source = "../.."

  name        = "shop-prod-api-errors"
  description = "More than one request in a hundred fails"
  expression  = "IF(requests > 0, 100 * errors / requests, 0)"
  threshold   = 1
  topic_arn   = "arn:aws:sns:eu-central-1:123456789012:shop-prod-alarms-page"
  runbook_url = "https://github.com/example/shop/blob/main/runbooks/service-errors.md"

  metrics = [
    {
      id         = "errors"
      namespace  = "AWS/ApplicationELB"
      name       = "HTTPCode_Target_5XX_Count"
      statistic  = "Sum"
      dimensions = { LoadBalancer = "app/shop-prod/0123456789abcdef" }
    },
    {
      id         = "requests"
      namespace  = "AWS/ApplicationELB"
      name       = "RequestCount"
      statistic  = "Sum"
      dimensions = { LoadBalancer = "app/shop-prod/0123456789abcdef" }
    },
  ]
}
