# A production network that talks to nobody outside: endpoints instead of NAT.
provider "aws" {
  region = "eu-central-1"
}

module "network" {
  source = "../.."

  name        = "shop-prod"
  region      = "eu-central-1"
  log_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"

  zones               = 3
  nat                 = "none"
  interface_endpoints = ["ecr.api", "ecr.dkr", "logs", "secretsmanager", "sqs"]
  flow_log_days       = 365
}
