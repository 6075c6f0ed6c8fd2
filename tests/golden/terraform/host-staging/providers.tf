provider "aws" {
  region = local.region

  default_tags {
    tags = {
      Workload    = "shop"
      Environment = "staging"
      ManagedBy   = "terraform"
    }
  }
}

provider "aws" {
  alias  = "us_east_1"
  region = "us-east-1"

  default_tags {
    tags = {
      Workload    = "shop"
      Environment = "staging"
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
