# Machines behind a load balancer.
provider "aws" {
  region = "eu-central-1"
}

module "hosts" {
  source = "../.."

  name        = "shop-prod-hosts"
  vpc_id      = "vpc-0a1b2c3d4e5f67890"
  subnet_ids  = ["subnet-0a1b2c3d4e5f67891", "subnet-0a1b2c3d4e5f67892"]
  key_arn     = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  log_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  min_hosts   = 2
  log_days    = 365

  target_group_arns = ["arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/hosts/0123456789abcdef"]

  user_data = <<-CLOUD_INIT
    #cloud-config
    packages: [docker]
    runcmd: [systemctl enable --now docker]
  CLOUD_INIT
}
