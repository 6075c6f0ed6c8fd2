# A web service behind a load balancer, and a worker that sleeps until a message comes.
provider "aws" {
  region = "eu-central-1"
}

module "api" {
  source = "../.."

  name = "shop-prod-api"
  role = "web"
  platform = {
    cluster_arn    = "arn:aws:ecs:eu-central-1:123456789012:cluster/shop-prod"
    cluster_name   = "shop-prod"
    vpc_id         = "vpc-0a1b2c3d4e5f67890"
    subnet_ids     = ["subnet-0a1b2c3d4e5f67891", "subnet-0a1b2c3d4e5f67892"]
    image          = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop-prod:4f2a9c1"
    repository_arn = "arn:aws:ecr:eu-central-1:123456789012:repository/shop-prod"
    log_key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    log_days       = 365
  }

  port        = 8000
  health_path = "/health"
  min_tasks   = 2
  max_tasks   = 10
  scaling     = { cpu_target = 60 }
}

module "fulfil" {
  source = "../.."

  name = "shop-prod-fulfil"
  role = "worker"
  platform = {
    cluster_arn    = "arn:aws:ecs:eu-central-1:123456789012:cluster/shop-prod"
    cluster_name   = "shop-prod"
    vpc_id         = "vpc-0a1b2c3d4e5f67890"
    subnet_ids     = ["subnet-0a1b2c3d4e5f67891", "subnet-0a1b2c3d4e5f67892"]
    image          = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop-prod:4f2a9c1"
    repository_arn = "arn:aws:ecr:eu-central-1:123456789012:repository/shop-prod"
    log_key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    log_days       = 365
  }

  command    = ["python", "-m", "shop.fulfil"]
  min_tasks  = 0
  max_tasks  = 8
  spot_share = 0.8
  scaling    = { backlog_target = 20, from_zero = true, queue_names = ["shop-prod-orders"] }
}
