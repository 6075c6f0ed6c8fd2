# Every minute, in no particular time zone.
provider "aws" {
  region = "eu-central-1"
}

module "expire_carts" {
  source = "../.."

  name = "shop-prod-expire-carts"
  platform = {
    cluster_arn = "arn:aws:ecs:eu-central-1:123456789012:cluster/shop-prod"
    subnet_ids  = ["subnet-0a1b2c3d4e5f67891"]
    key_arn     = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  }
  job = {
    task_definition_arn = "arn:aws:ecs:eu-central-1:123456789012:task-definition/shop-prod-expire-carts:7"
    task_role_arn       = "arn:aws:iam::123456789012:role/shop-prod-expire-carts-task"
    execution_role_arn  = "arn:aws:iam::123456789012:role/shop-prod-expire-carts-execution"
    security_group_id   = "sg-0a1b2c3d4e5f67890"
  }
  expression = "rate(1 minute)"
}
