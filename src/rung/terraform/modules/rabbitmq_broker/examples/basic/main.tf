# Three nodes in as many zones, for production.
provider "aws" {
  region = "eu-central-1"
}

module "rabbitmq" {
  source = "../.."

  name             = "shop-prod-rabbitmq"
  vpc_id           = "vpc-0a1b2c3d4e5f60718"
  subnet_ids       = ["subnet-0a1b2c3d4e5f60718", "subnet-0a1b2c3d4e5f60719", "subnet-0a1b2c3d4e5f6071a"]
  login_secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop-prod-rabbitmq-login-AbCdEf"
  instance_type    = "mq.m7g.large"
  cluster          = true
}
