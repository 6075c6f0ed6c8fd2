# One service on the load balancer of a company.
provider "aws" {
  region = "eu-central-1"
}

module "load_balancer" {
  source = "../.."

  name         = "tea-prod-load-balancer"
  listener_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/shared/50dc6c495c0c9188/f2f7dc8efc522ab2"
  vpc_id       = "vpc-0a1b2c3d4e5f67890"

  targets = {
    api = { port = 8000 }
  }
  forwards = [
    { path = "/*", host = "tea.example.com", target = "api" },
  ]
}
