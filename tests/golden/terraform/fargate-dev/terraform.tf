terraform {
  required_version = ">= 1.11"
  required_providers { aws = { source = "hashicorp/aws", version = ">= 5.100, < 7" } }

  # terraform init -backend-config=bucket=shop-state-<account id>   (made by ../bootstrap)
  backend "s3" {
    key          = "shop/dev.tfstate"
    region       = "eu-west-1"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = local.region
  default_tags { tags = local.tags }
}

locals {
  region       = "eu-west-1"
  account_id   = data.aws_caller_identity.current.account_id
  tags         = { Workload = "shop", Environment = "dev", ManagedBy = "terraform" }
  runbooks_url = "https://github.com/example/shop/blob/main/runbooks"
}

data "aws_caller_identity" "current" {}
