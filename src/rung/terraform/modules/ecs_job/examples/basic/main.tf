# A migration that the pipeline runs before the services change.
provider "aws" {
  region = "eu-central-1"
}

module "migrate" {
  source = "../.."

  name = "shop-prod-migrate"
  platform = {
    cluster_arn    = "arn:aws:ecs:eu-central-1:123456789012:cluster/shop-prod"
    vpc_id         = "vpc-0a1b2c3d4e5f67890"
    image          = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop-prod:4f2a9c1"
    repository_arn = "arn:aws:ecr:eu-central-1:123456789012:repository/shop-prod"
    log_key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    log_days       = 365
  }

  command          = ["python", "-m", "shop.migrate"]
  on_deploy        = true
  deadline_seconds = 600
}
