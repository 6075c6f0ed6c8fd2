# One machine with its data volume.
provider "aws" {
  region = "eu-central-1"
}

module "box" {
  source = "../.."

  name        = "shop-dev-box"
  vpc_id      = "vpc-0a1b2c3d4e5f67890"
  subnet_id   = "subnet-0a1b2c3d4e5f67891"
  key_arn     = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  log_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  log_days    = 365

  user_data = <<-CLOUD_INIT
    #cloud-config
    packages: [docker]
    runcmd: [systemctl enable --now docker]
  CLOUD_INIT
}
