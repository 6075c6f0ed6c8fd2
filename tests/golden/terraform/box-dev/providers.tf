provider "aws" {
  region = local.region

  default_tags {
    tags = {
      Workload    = "shop"
      Environment = "dev"
      ManagedBy   = "terraform"
    }
  }
}

locals {
  region     = "eu-west-1"
  account_id = data.aws_caller_identity.current.account_id
}

data "aws_caller_identity" "current" {
}
