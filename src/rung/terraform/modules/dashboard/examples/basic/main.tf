# Two parts, each with some of its four signals.
provider "aws" {
  region = "eu-central-1"
}

module "overview" {
  source = "../.."

  name   = "shop-prod-overview"
  region = "eu-central-1"

  groups = [
    {
      title = "api"
      graphs = [
        {
          title = "Latency (s)"
          limit = 0.1
          metrics = [
            { namespace = "AWS/ApplicationELB", name = "TargetResponseTime", statistic = "p99", dimensions = { LoadBalancer = "app/shop-prod/0123456789abcdef" } },
          ]
        },
        {
          title = "Errors (%)"
          metrics = [
            { id = "errors", namespace = "AWS/ApplicationELB", name = "HTTPCode_Target_5XX_Count", statistic = "Sum", visible = false, dimensions = { LoadBalancer = "app/shop-prod/0123456789abcdef" } },
            { id = "requests", namespace = "AWS/ApplicationELB", name = "RequestCount", statistic = "Sum", visible = false, dimensions = { LoadBalancer = "app/shop-prod/0123456789abcdef" } },
            { expression = "IF(requests > 0, 100 * errors / requests, 0)", label = "errors" },
          ]
        },
      ]
    },
    {
      title = "orders"
      graphs = [
        {
          title   = "Oldest message (s)"
          limit   = 300
          metrics = [{ namespace = "AWS/SQS", name = "ApproximateAgeOfOldestMessage", statistic = "Maximum", dimensions = { QueueName = "shop-prod-orders-fulfilment" } }]
        },
      ]
    },
  ]
}
